"""CEL conditions over the signals. The only module that knows the CEL library.

The library (``cel-expr-python``, Google's CEL-C++) checks names and types when it compiles.
The words of the enumerated signals are constants, so ``priority == normal`` says the same as
``priority == "normal"``. https://github.com/google/cel-spec/blob/master/doc/langdef.md
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from cel_expr_python import cel  # type: ignore[import-untyped]  # it has stubs but no py.typed

from signalbox.contracts.errors import SignalboxError
from signalbox.policy import expression
from signalbox.policy.expression import Expression
from signalbox.policy.problems import did_you_mean
from signalbox.signals.variables import BARE_WORDS, ENUMS, VARIABLES

WORDS = BARE_WORDS

_TYPES = {"int": cel.Type.INT, "double": cel.Type.DOUBLE, "bool": cel.Type.BOOL, "string": cel.Type.STRING}
_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_OVERLOAD = re.compile(r"found no matching overload for '_?([^'_]+)_?' applied to '\((.*)\)'")
_STATUS = re.compile(r"^[A-Z_]+: | \[[A-Z_]+\]$")


class MatcherFailed(SignalboxError):
    """A matcher could not be evaluated: it divides by zero, say. Never read as false."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__("matcher_failed", f"the matcher {source!r} cannot be evaluated: {reason}")


@dataclass(frozen=True)
class Fault:
    """Something wrong at a place in the expression; line and column count from 1."""

    line: int
    column: int
    code: str
    message: str
    suggestion: str | None = None


class MatcherInvalid(Exception):
    """The expression is no condition over the variables it may use."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults


class CelMatcher:
    """Meets ``resolved.Matcher``. ``names``: the variables that it reads, sorted."""

    def __init__(self, source: str, compiled: cel.Expression) -> None:
        self.source = source
        self._compiled = compiled
        self.names = tuple(sorted(self.tree.names & VARIABLES.keys()))

    @cached_property
    def tree(self) -> Expression:
        return expression.read(self._compiled.serialize(), WORDS)

    def place(self, node: int) -> tuple[int, int]:
        """Line and column in the source, from 1, of a node of the tree."""
        offset = expression.offsets(self._compiled.serialize()).get(node, 0)
        before = self.source[:offset]
        return before.count("\n") + 1, offset - before.rfind("\n")

    @cached_property
    def token_thresholds(self) -> tuple[int, ...]:
        found = {match.constant for match in self.comparisons if match.name == "token_count"}
        return tuple(sorted(limit for limit in found if isinstance(limit, int)))

    @cached_property
    def needs_exact_tokens(self) -> bool:
        return "token_count" in self.names and not self.only_compares("token_count", int)

    @cached_property
    def comparisons(self) -> tuple[expression.Comparison, ...]:
        """Every comparison of a variable with a constant."""
        return tuple(match for node in self.tree.walk() for match in expression.comparisons(node))

    def only_compares(self, name: str, kind: type | tuple[type, ...] = (int, float, str, bool)) -> bool:
        """Whether the variable is used in nothing but comparisons with constants of this kind."""
        uses = plain = 0
        for node in self.tree.walk():
            uses += node.kind == "name" and node.name == name
            found = expression.comparisons(node)
            plain += bool(found) and found[0].name == name and isinstance(found[0].constant, kind)
        return uses == plain

    def matches(self, variables: Mapping[str, Any]) -> bool:
        """Whether the condition holds. Raises ``MatcherFailed`` when it cannot be evaluated."""
        try:
            # Only what is read: making an activation costs more than evaluating.
            value = self._compiled.eval(data={name: variables[name] for name in self.names})
        except KeyError as error:
            raise MatcherFailed(self.source, f"no value for {error.args[0]}") from None
        except RuntimeError as error:
            raise MatcherFailed(self.source, _STATUS.sub("", str(error))) from None
        if value.type() != cel.Type.BOOL:
            raise MatcherFailed(self.source, _STATUS.sub("", str(value.value())))
        return bool(value.value())


@cache
def _environment() -> cel.Env:
    config = "variables:\n" + "".join(f"- {{name: {w}, type_name: string, value: {w}}}\n" for w in sorted(WORDS))
    types = {name: _TYPES[type_] for name, type_ in VARIABLES.items()}
    return cel.NewEnv(config=cel.NewEnvConfigFromYaml(config), variables=types)


def compile_matcher(source: str, variables: Iterable[str] = VARIABLES) -> CelMatcher:
    """The condition, checked. ``variables``: the names of ``VARIABLES`` that it may read.

    Raises ``MatcherInvalid`` with every fault found: syntax, unknown names, wrong types, a value
    that is not a condition, a word that a signal can never be.
    """
    try:
        compiled = _environment().compile(source)
    except RuntimeError as error:
        raise MatcherInvalid(_faults(source, str(error), variables)) from None
    except (TypeError, UnicodeError):  # lone surrogates
        raise MatcherInvalid([Fault(1, 1, "matcher_syntax", "not valid Unicode")]) from None
    if compiled.return_type() != cel.Type.BOOL:
        kind = compiled.return_type().name()
        hint = "compare it with something, as in token_count < 2048"
        raise MatcherInvalid([Fault(1, 1, "wrong_type", f"a matcher must be true or false; this is {kind}", hint)])
    matcher = CelMatcher(source, compiled)
    allowed = frozenset(variables)
    faults = [*_not_yet_known(matcher, allowed), *_impossible_words(matcher)]
    if faults:
        raise MatcherInvalid(faults)
    return matcher


@cache
def always() -> CelMatcher:
    """The matcher of a route that names none."""
    return compile_matcher("true")


def _not_yet_known(matcher: CelMatcher, allowed: frozenset[str]) -> list[Fault]:
    if allowed.issuperset(matcher.names):
        return []
    late = [node for node in matcher.tree.walk() if node.kind == "name" and node.name in VARIABLES.keys() - allowed]
    message = "{} is not known yet when this rule runs"
    return [Fault(*matcher.place(n.id), "unknown_name", message.format(n.name)) for n in late]


def _impossible_words(matcher: CelMatcher) -> list[Fault]:
    """Constants that an enumerated signal is compared with and never is."""
    faults = []
    for match in matcher.comparisons:
        words = ENUMS.get(match.name)
        if words and match.constant not in words:
            hint = did_you_mean(str(match.constant), words)
            faults.append(
                Fault(*matcher.place(match.id), "not_in_enum", f"{match.name} is never {match.constant!r}", hint)
            )
    return faults


def _faults(source: str, message: str, variables: Iterable[str]) -> list[Fault]:
    found = [_fault(source, int(line), int(column), text, variables) for line, column, text in _ERROR.findall(message)]
    return found or [Fault(1, 1, "matcher_syntax", _STATUS.sub("", message))]


def _fault(source: str, line: int, column: int, message: str, variables: Iterable[str]) -> Fault:
    message = _STATUS.sub("", message)
    if undeclared := _UNDECLARED.match(message):
        name = undeclared[1]
        return Fault(line, column, "unknown_name", f"unknown name {name!r}", _unknown_hint(source, name, variables))
    if overload := _OVERLOAD.match(message):
        operator, types = overload[1], overload[2]
        text = f"{operator} does not take ({types})"
        return Fault(line, column, "wrong_type", text, _type_hint(source, line, column, types))
    return Fault(line, column, "matcher_syntax", message.removeprefix("Syntax error: "))


def _unknown_hint(source: str, name: str, variables: Iterable[str]) -> str | None:
    quoted = [name for name, kind in VARIABLES.items() if kind == "string" and WORDS.isdisjoint(ENUMS.get(name, ()))]
    open_strings = "|".join(quoted)
    if re.search(rf"\b({open_strings})\s*[!=]=\s*{re.escape(name)}\b", source):
        return f'write it in quotes: "{name}"'
    return did_you_mean(name, {*variables, *WORDS})


def _type_hint(source: str, line: int, column: int, types: str) -> str | None:
    rows = source.split("\n")
    after = rows[line - 1][column - 1 :] if line <= len(rows) else ""
    before = rows[line - 1][: column - 1] if line <= len(rows) else ""
    if types in ("double, int", "int, double"):
        whole = re.match(r"\W*(-?\d+)\b(?!\.)", after) if types == "double, int" else re.search(r"(-?\d+)\s*$", before)
        if whole:
            return f"write {whole[1]}.0: the other side is a decimal number"
        return "the other side is a whole number: compare it with one"
    if "string" in types and "bool" in types:
        return "a true-or-false signal stands alone, as in `escalation` or `!escalation`"
    return None
