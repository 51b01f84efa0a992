"""Which rule decides which request: the real matchers, run over every shape that they can tell apart.

A *shape* gives each signal that any condition reads one value. The values tried are the
boundaries: for a whole number, each constant it is compared with, one less and one more; for a
decimal one, the constant and a step to either side; every word of an enumerated signal; both
truths; every path that a route names and every path of the API. Values that no condition can
tell apart are tried once.

**Exact** where signals are compared with constants only and the product of all values comes to
at most ``LIMIT`` shapes: then what is said holds for every request. **Not exact** where a
condition computes with a signal (``token_count % 7``, ``path.matches(…)``) or the product is
larger: then boundary values are only likely ones, and of a product too large a seeded sample
is tried, with every pair of values and every way each condition can hold by itself. Signals
are taken as independent of each other, the derived ones (complexity, confidence) too, so a
shape may be one that no real request has.
"""

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise, product
from random import Random
from typing import Any

from signalbox.policy.expression import COMPARISONS, Comparison
from signalbox.policy.matchers import CelMatcher, MatcherFailed
from signalbox.signals.variables import ENUMS, PROBABILITIES, VARIABLES

LIMIT = 50_000
API_PATHS = ("/v1/chat", "/v1/chat/completions", "/v1/infer")
STEP = 0.001  # between decimals that count as neighbours

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = dict(
    zip(COMPARISONS, (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge), strict=True)
)
Value = str | int | float | bool
Shape = dict[str, Value]


@dataclass(frozen=True)
class Condition:
    """A matcher, under a path if one is named (as ``Route.covers``)."""

    matcher: CelMatcher
    path: str | None = None

    def covers(self, path: object) -> bool:
        return self.path is None or path == self.path or str(path).startswith(self.path.rstrip("/") + "/")


@dataclass
class Findings:
    """Per condition, by its index: shapes it decides; and shapes at which it cannot be evaluated."""

    exact: bool
    shapes: list[tuple[Shape, int | None]] = field(default_factory=list)
    failures: dict[int, tuple[Shape, str]] = field(default_factory=dict)
    can_hold: set[int] = field(default_factory=set)

    @property
    def reached(self) -> set[int]:
        return {index for _, index in self.shapes if index is not None}


def survey(
    conditions: Sequence[Condition], always: Sequence[str] = (), token_limits: Sequence[int] = (), seed: int = 0
) -> Findings:
    """Run ``conditions`` in order over all shapes; the first that holds decides.

    ``always`` names signals to vary even if no condition reads them; ``token_limits`` are further
    counts to tell apart. The same arguments give the same findings.
    """
    space = _space(conditions, always, token_limits)
    findings = Findings(exact=space.exact)
    decide = _Decider(conditions, space, findings)
    for point in space.points(conditions, Random(seed)):  # noqa: S311 - a sample, not a secret
        findings.shapes.append((dict(zip(space.names, point, strict=True)), decide(point)))
    return findings


@dataclass(frozen=True)
class _Space:
    names: tuple[str, ...]
    values: tuple[tuple[Value, ...], ...]
    plain: bool

    @property
    def size(self) -> int:
        return math.prod(map(len, self.values))

    @property
    def exact(self) -> bool:
        return self.plain and self.size <= LIMIT

    def points(self, conditions: Sequence[Condition], random: Random) -> Iterator[tuple[Value, ...]]:
        if self.size <= LIMIT:
            yield from product(*self.values)
            return
        for left, right in combinations(range(len(self.names)), 2):
            for pair in product(self.values[left], self.values[right]):
                yield self._random(random, dict(zip((left, right), pair, strict=True)))
        for condition in conditions:
            yield from self._where_it_holds(condition, random)
        for _ in range(LIMIT):
            yield self._random(random, {})

    def _random(self, random: Random, fixed: Mapping[int, Value]) -> tuple[Value, ...]:
        return tuple(fixed[at] if at in fixed else random.choice(choices) for at, choices in enumerate(self.values))

    def _where_it_holds(self, condition: Condition, random: Random) -> Iterator[tuple[Value, ...]]:
        """Shapes that this condition accepts, the other signals by chance: a narrow one is not missed."""
        names = condition.matcher.names
        places = [self.names.index(name) for name in names]
        own = [self.values[place] for place in places]
        if math.prod(map(len, own)) > LIMIT:
            return
        held = [values for values in product(*own) if _holds(condition.matcher, dict(zip(names, values, strict=True)))]
        for values in random.sample(held, min(len(held), 500)):
            for _ in range(8):
                yield self._random(random, dict(zip(places, values, strict=True)))


def _holds(matcher: CelMatcher, shape: Shape) -> bool:
    try:
        return matcher.matches(shape)
    except MatcherFailed:
        return False


class _Decider:
    """The first condition that holds. Each matcher runs once per combination of what it reads."""

    def __init__(self, conditions: Sequence[Condition], space: _Space, findings: Findings) -> None:
        self._names = space.names
        self._findings = findings
        self._path = space.names.index("path")
        self._rows: list[tuple[Condition, list[int], dict[tuple[Value, ...], bool]]] = [
            (condition, [space.names.index(name) for name in condition.matcher.names], {}) for condition in conditions
        ]

    def __call__(self, point: tuple[Value, ...]) -> int | None:
        decided = None
        for index, (condition, places, known) in enumerate(self._rows):
            if decided is not None and index in self._findings.can_hold:
                continue
            if not condition.covers(point[self._path]):
                continue
            key = tuple([point[place] for place in places])
            holds = known.get(key)
            if holds is None:
                holds = known[key] = self._run(index, condition, point)
            if holds:
                self._findings.can_hold.add(index)
                decided = index if decided is None else decided
        return decided

    def _run(self, index: int, condition: Condition, point: tuple[Value, ...]) -> bool:
        shape = dict(zip(self._names, point, strict=True))
        try:
            return condition.matcher.matches(shape)
        except MatcherFailed as error:
            self._findings.failures.setdefault(index, (shape, error.message))
            return False


def _space(conditions: Sequence[Condition], always: Sequence[str], token_limits: Sequence[int]) -> _Space:
    matchers = [condition.matcher for condition in conditions]
    read = {name for matcher in matchers for name in matcher.names} | set(always) | {"path"}
    if token_limits:
        read.add("token_count")
    names = tuple(name for name in VARIABLES if name in read)
    values, plain = [], True
    for name in names:
        compared = [match for matcher in matchers for match in matcher.comparisons if match.name == name]
        if name == "token_count":
            compared += [Comparison(name, "_>_", limit, 0) for limit in token_limits]
        # Booleans and words are tried completely, however they are used.
        complete = VARIABLES[name] == "bool" or name in ENUMS or name == "hour"
        only_compared = all(matcher.only_compares(name) for matcher in matchers if name in matcher.names)
        if VARIABLES[name] == "string":  # words are alike or not; their order is not looked into
            only_compared &= all(match.operator in ("_==_", "_!=_") for match in compared)
        choices = _choices(name, compared, conditions, () if only_compared else _all_constants(matchers))
        values.append(_tell_apart(name, choices, compared, conditions) if only_compared else choices)
        plain &= complete or only_compared
    return _Space(names, tuple(values), plain)


def _all_constants(matchers: Sequence[CelMatcher]) -> tuple[Value, ...]:
    found: set[Value] = set()
    for matcher in matchers:
        found |= {node.value for node in matcher.tree.walk() if node.value is not None}
    return tuple(sorted(found, key=repr))


def _choices(
    name: str, compared: Sequence[Comparison], conditions: Sequence[Condition], more: Sequence[Value]
) -> tuple[Value, ...]:
    """The values worth trying, the most telling first."""
    kind = VARIABLES[name]
    constants = [match.constant for match in compared if match.constant is not None] + list(more)
    if kind == "bool":
        return (False, True)
    if name in ENUMS:
        return ENUMS[name]
    if name == "hour":
        return tuple(range(24))
    if kind == "string":
        paths = [condition.path for condition in conditions if condition.path]
        usual = [*paths, *API_PATHS] if name == "path" else ["standard", "other"]
        return tuple(dict.fromkeys([*usual, *(text for text in constants if isinstance(text, str))]))
    if kind == "int":
        limits = [limit for limit in constants if type(limit) is int]
        near = [limit + step for limit in limits for step in (0, 1, -1)]
        return tuple(dict.fromkeys(value for value in [*near, 1, 0] if 0 <= value < 1 << 62))
    decimals = sorted({float(limit) for limit in constants if type(limit) in (int, float)})
    between = [(low + high) / 2 for low, high in pairwise(decimals)]
    near_decimals = [limit + step for limit in decimals for step in (0.0, STEP, -STEP)] + between + [0.5, 1.0, 0.0]
    top = 1.0 if name in PROBABILITIES else math.inf
    return tuple(dict.fromkeys(value for value in near_decimals if 0 <= value <= top))


def _tell_apart(
    name: str, choices: Sequence[Value], compared: Sequence[Comparison], conditions: Sequence[Condition]
) -> tuple[Value, ...]:
    """One of each set of values that every comparison, and every path, treats alike."""
    if VARIABLES[name] == "bool":
        return tuple(choices)
    kept: dict[tuple[bool, ...], Value] = {}
    for value in choices:
        seen = tuple(bool(_OPERATORS[match.operator](value, match.constant)) for match in compared)
        if name == "path":
            seen += tuple(condition.covers(value) for condition in conditions)
        kept.setdefault(seen, value)
    return tuple(kept.values())


def spell(shape: Shape) -> str:
    """As a person reads it: ``path=/v1/chat priority=high token_count=2048``."""
    words = {True: "true", False: "false"}
    return " ".join(f"{k}={words[v] if isinstance(v, bool) else v}" for k, v in shape.items())
