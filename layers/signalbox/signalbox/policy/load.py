"""From the text of a policy to what it means. The same code on the laptop, in CI, at deploy and at load."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from signalbox.contracts.requests import Sampling
from signalbox.policy.document import Document, ModelSpec, ProfileSpec, RouteSpec
from signalbox.policy.load_plans import collection_faults, collections, plan_faults, terms, webhook_faults
from signalbox.policy.matchers import CelMatcher, MatcherInvalid, always, compile_matcher
from signalbox.policy.problems import PolicyInvalid, Problem, did_you_mean
from signalbox.policy.resolved import (
    Budget,
    CacheRules,
    ComplexityRule,
    ConfidenceRule,
    Gate,
    HealthRules,
    Limit,
    Matcher,
    Policy,
    Profile,
    Retention,
    Role,
    RosterModel,
    Route,
    TaggerRules,
    Webhook,
)
from signalbox.policy.source import Source, read
from signalbox.signals.variables import BASE_VARIABLES, CONFIDENCE_VARIABLES, TAG_VARIABLES, VARIABLES

__all__ = ["PolicyInvalid", "Problem", "load_file", "load_resource", "parse", "parse_source"]

RESERVED = frozenset({"auto"})  # what a request names when the policy is to choose
PLAIN = Profile("plain")
_CODES = {
    "missing": "missing_field",
    "extra_forbidden": "unknown_field",
    "literal_error": "unknown_name",
    "string_pattern_mismatch": "invalid_value",
}


def parse(text: str, filename: str) -> Policy:
    """The policy that ``text`` describes. Raises ``PolicyInvalid`` with every problem found."""
    return parse_source(text, filename)[0]


def parse_source(text: str, filename: str) -> tuple[Policy, Source]:
    """As ``parse``, with the place of every value."""
    source = read(text, filename)
    try:
        document = Document.model_validate(source.root.value)
    except ValidationError as error:
        raise PolicyInvalid(_shape_problems(error, source)) from None
    return _Resolver(document, source).policy(), source


def load_file(path: Path | str) -> Policy:
    """As ``parse``; the file's name stands in the problems. Raises ``OSError`` when it cannot be read."""
    path = Path(path)
    return parse(decode(path.read_bytes(), str(path)), str(path))


@cache
def load_resource() -> Policy:
    """The policy that ships in the package, read when first asked for."""
    return parse((files(__package__) / "model-routing.yaml").read_text("utf-8"), "model-routing.yaml")


def decode(data: bytes, filename: str) -> str:
    """UTF-8 text. Raises ``PolicyInvalid``."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PolicyInvalid([Problem(filename, line, 1, "yaml_syntax", "not UTF-8")]) from None


class _Resolver:
    """Follows every name in the document; collects what does not lead anywhere."""

    def __init__(self, document: Document, source: Source) -> None:
        self.document = document
        self.source = source
        self.problems: list[Problem] = []

    def policy(self) -> Policy:
        """The policy. Raises ``PolicyInvalid`` once everything has been looked at."""
        profiles = {name: _profile(name, spec) for name, spec in self.document.profiles.items()}
        roster = {name: self._model(name, spec, profiles) for name, spec in self.document.roster.items()}
        roles = self._roles(roster)
        complexity = self._complexity()
        confidence = self._confidence()
        routes = self._routes(roles, roster)
        entities = {name: self._pattern(name, text) for name, text in self.document.entities.items()}
        budgets, limits, gates = self._budgets(), self._limits(), self._gates()
        health = self._health()
        self._collections()
        if self.problems:
            raise PolicyInvalid(sorted(self.problems, key=lambda problem: (problem.line, problem.column)))
        rules = [rule.matcher for rule in complexity] + [rule.matcher for rule in confidence]
        matchers = [matcher for matcher in (*rules, *(route.matcher for route in routes)) if matcher]
        return Policy(
            version=hashlib.sha256(self.source.text.encode()).hexdigest()[:12],
            roster=roster,
            roles=roles,
            routes=routes,
            complexity=complexity,
            confidence=confidence,
            entities={name: pattern for name, pattern in entities.items() if pattern},
            default_max_output_tokens=self.document.defaults.max_output_tokens,
            token_thresholds=tuple(sorted({limit for matcher in matchers for limit in matcher.token_thresholds})),
            needs_exact_tokens=any(matcher.needs_exact_tokens for matcher in matchers),
            budgets=budgets,
            limits=limits,
            health=health,
            gates=gates,
            cache=CacheRules(**self.document.cache.model_dump()),
            retention=Retention(**self.document.retention.model_dump()),
            tagger=TaggerRules(self.document.tagger.workload_from),
            tagged=self._is_tagged(matchers, confidence),
            collections=collections(self.document),
            webhooks={name: Webhook(name, spec.url) for name, spec in self.document.webhooks.items()},
        )

    def _is_tagged(self, matchers: Sequence[Matcher], confidence: Sequence[ConfidenceRule]) -> bool:
        read = any(TAG_VARIABLES.intersection(matcher.names) for matcher in matchers)
        trusted = any(rule.value == "p_fast" for rule in confidence)
        return read or trusted or self.document.tagger.workload_from is not None

    def _complain(self, path: Sequence[str | int], code: str, message: str, **more: Any) -> None:
        self.problems.append(self.source.problem(path, code, message, **more))

    def _known(
        self, path: Sequence[str | int], name: str, known: Iterable[str], what: str, *, key: bool = False
    ) -> bool:
        if name in (names := set(known)):
            return True
        self._complain(path, "unknown_name", f"no {what} {name!r}", suggestion=did_you_mean(name, names), key=key)
        return False

    def _model(self, name: str, spec: ModelSpec, profiles: dict[str, Profile]) -> RosterModel:
        if name in RESERVED:
            self._complain(("roster", name), "reserved_name", f"{name!r} means that the policy chooses", key=True)
        profile = PLAIN
        if spec.profile is not None and self._known(("roster", name, "profile"), spec.profile, profiles, "profile"):
            profile = profiles[spec.profile]
        return RosterModel(
            id=name,
            provider=spec.provider,
            provider_model=spec.model,
            window_tokens=spec.window_tokens,
            output_cap_tokens=spec.output_cap_tokens,
            token_factor=spec.token_factor,
            features=frozenset(spec.features),
            profile=profile,
            retires=spec.retires,
            typical_latency_ms=spec.typical_latency_ms,
        )

    def _roles(self, roster: dict[str, RosterModel]) -> dict[str, Role]:
        roles = {}
        for name, spec in self.document.roles.items():
            path = ("roles", name)
            if name in RESERVED or name in roster:
                self._complain(path, "reserved_name", f"{name!r} already names something else", key=True)
            if spec.pinned and spec.fallbacks:
                text = f"{name} is pinned, so it has no fallbacks"
                self._complain((*path, "fallbacks"), "pinned_fallbacks", text, suggestion="remove one of the two")
            known = [self._known((*path, "pin"), spec.pin, roster, "model in the roster named")]
            known += [
                self._known((*path, "fallbacks", index), fallback, roster, "model in the roster named")
                for index, fallback in enumerate(spec.fallbacks)
            ]
            if all(known):
                fallbacks = tuple(roster[fallback] for fallback in spec.fallbacks)
                roles[name] = Role(name, roster[spec.pin], fallbacks, spec.pinned)
        return roles

    def _routes(self, roles: dict[str, Role], roster: dict[str, RosterModel]) -> tuple[Route, ...]:
        routes = []
        names: set[str] = set()
        for index, spec in enumerate(self.document.routes):
            name = spec.name or f"route-{index + 1}"
            if name in names:
                self._complain(("routes", index, "name"), "duplicate_name", f"another route is named {name!r}")
            names.add(name)
            matcher = self._matcher(("routes", index, "matcher"), spec.matcher, VARIABLES) if spec.matcher else always()
            known = self._known(
                ("routes", index, "target"), spec.target, [*self.document.roles, *roster], "role or model named"
            )
            role = _role(spec.target, roles, roster)
            for fault in plan_faults(spec, self.document, role):
                at = ("routes", index, fault.field)
                self._complain(at, fault.code, fault.message, suggestion=fault.suggestion)
            if known and role and matcher:
                stronger = _role(spec.escalate_to, roles, roster) if spec.escalate_to else None
                routes.append(self._route(spec, name, matcher, role, stronger))
        return tuple(routes)

    def _collections(self) -> None:
        for name, spec in self.document.collections.items():
            for fault in collection_faults(spec):
                at = ("collections", name, fault.field)
                self._complain(at, fault.code, fault.message, suggestion=fault.suggestion)
        for name, hook in self.document.webhooks.items():
            for fault in webhook_faults(hook):
                at = ("webhooks", name, fault.field)
                self._complain(at, fault.code, fault.message, suggestion=fault.suggestion)

    def _route(self, spec: RouteSpec, name: str, matcher: CelMatcher, role: Role, stronger: Role | None) -> Route:
        deadline_ms = spec.deadline_ms or self.document.defaults.deadline_ms
        return Route(
            name=name,
            path=spec.path,
            matcher=matcher,
            role=role,
            plan=spec.plan,
            deadline_ms=deadline_ms,
            max_cost_microusd=spec.max_cost_microusd,
            cache=spec.cache,
            keep_text=spec.keep_text,
            escalate_to=stronger,
            terms=terms(spec),
        )

    def _budgets(self) -> tuple[Budget, ...]:
        specs = self.document.budgets
        self._scopes("budgets", [(spec.scope, spec.of, spec.window) for spec in specs])
        for index, spec in enumerate(specs):
            _, _, role = spec.on_exceeded.partition(":")
            if role:
                self._known(("budgets", index, "on_exceeded"), role, self.document.roles, "role")
        return tuple(
            Budget(spec.scope, spec.of, spec.window, spec.cap_microusd, spec.on_exceeded.partition(":")[2] or None)
            for spec in specs
        )

    def _limits(self) -> tuple[Limit, ...]:
        specs = self.document.limits
        self._scopes("limits", [(spec.scope, spec.of) for spec in specs])
        return tuple(Limit(**spec.model_dump()) for spec in specs)

    def _scopes(self, part: str, keys: Sequence[tuple[str | None, ...]]) -> None:
        """Whom each is for must exist, where the policy knows, and be named once."""
        known: dict[str, Iterable[str]] = {"role": self.document.roles, "model": self.document.roster}
        for index, key in enumerate(keys):
            scope, of = key[0] or "", key[1]
            if scope == "global" and of is not None:
                self._complain((part, index, "of"), "invalid_value", "global is for everyone", suggestion="remove it")
            if scope in known and of is not None:
                self._known((part, index, "of"), of, known[scope], scope)
            if keys[index] in keys[:index]:
                self._complain((part, index), "duplicate_name", "another one is for the same")

    def _gates(self) -> dict[str, Gate]:
        for name, spec in self.document.gates.items():
            self._known(("gates", name), name, self.document.roster, "model in the roster named", key=True)
            if spec.least > spec.most:
                self._complain(("gates", name), "invalid_value", "least is more than most")
        return {name: Gate(spec.least, spec.most) for name, spec in self.document.gates.items()}

    def _health(self) -> HealthRules:
        spec = self.document.health
        if spec.longest_cooling_s < spec.cooling_s:
            at = ("health", "longest_cooling_s" if "longest_cooling_s" in spec.model_fields_set else "cooling_s")
            self._complain(at, "invalid_value", f"cooling_s is {spec.cooling_s}, longest_cooling_s less")
        return HealthRules(**spec.model_dump())

    def _complexity(self) -> tuple[ComplexityRule, ...]:
        specs = self.document.complexity
        conditions = self._conditions("complexity", [spec.when for spec in specs], BASE_VARIABLES)
        rules = tuple(ComplexityRule(when, spec.value) for when, spec in zip(conditions, specs, strict=True))
        return rules or (ComplexityRule(None, "bounded"),)

    def _confidence(self) -> tuple[ConfidenceRule, ...]:
        specs = self.document.confidence
        conditions = self._conditions("confidence", [spec.when for spec in specs], CONFIDENCE_VARIABLES)
        rules = tuple(ConfidenceRule(when, spec.value) for when, spec in zip(conditions, specs, strict=True))
        return rules or (ConfidenceRule(None, 0.0),)  # nothing said is nothing known: the careful answer

    def _conditions(self, part: str, sources: list[str | None], variables: Iterable[str]) -> list[CelMatcher | None]:
        for index, source in enumerate(sources):
            if (source is None) != (index == len(sources) - 1):
                text = "only the last rule has no `when`" if source is None else "the last rule must have no `when`"
                self._complain((part, index), "rule_order", text, suggestion="end with the value that holds otherwise")
        return [
            None if source is None else self._matcher((part, index, "when"), source, variables)
            for index, source in enumerate(sources)
        ]

    def _matcher(self, path: Sequence[str | int], text: str, variables: Iterable[str]) -> CelMatcher | None:
        try:
            return compile_matcher(text, variables)
        except MatcherInvalid as error:
            for fault in error.faults:
                place = self.source.within(path, fault.line, fault.column)
                problem = Problem(self.source.filename, *place, fault.code, fault.message, fault.suggestion)
                self.problems.append(problem)
            return None

    def _pattern(self, name: str, text: str) -> re.Pattern[str] | None:
        try:
            return re.compile(text)
        except (re.error, OverflowError, RecursionError) as error:
            self._complain(("entities", name), "entity_pattern", f"not a regular expression: {error}")
            return None


def _role(name: str, roles: dict[str, Role], roster: dict[str, RosterModel]) -> Role | None:
    """The role of that name; a roster id stands for a role of its own."""
    return roles.get(name) or (Role(name, roster[name]) if name in roster else None)


def _profile(name: str, spec: ProfileSpec) -> Profile:
    sampling = Sampling(
        temperature=spec.temperature,
        top_p=spec.top_p,
        frequency_penalty=spec.frequency_penalty,
        presence_penalty=spec.presence_penalty,
        stop=tuple(spec.stop),
        seed=spec.seed,
    )
    return Profile(name, spec.system_prompt, sampling, spec.reasoning_effort)


def _shape_problems(error: ValidationError, source: Source) -> list[Problem]:
    problems = []
    for found in error.errors(include_input=False, include_url=False):
        path = tuple(step for step in found["loc"] if step != "[key]")
        kind, message = found["type"], found["msg"].replace("dictionary or instance of Document", "mapping")
        code = _CODES.get(kind, "wrong_type" if kind.endswith(("_type", "_parsing")) else "invalid_value")
        suggestion = None
        if kind == "extra_forbidden":
            message = f"unknown field {path[-1]!r}"
            suggestion = did_you_mean(str(path[-1]), _fields_at(path[:-1]))
        elif kind == "literal_error":
            allowed = re.findall(r"'([^']*)'", found["msg"])
            message = (
                f"{path[-1] if isinstance(path[-1], str) else path[-2]}: unknown name; known: {', '.join(allowed)}"
            )
            value = _value_at(source, path)
            suggestion = did_you_mean(value, allowed) if isinstance(value, str) else None
        elif kind == "missing":
            role = len(path) == 3 and path[0] == "roles" and path[2] == "pin"
            code = "role_without_model" if role else code
            message = f"role {path[1]!r} names no model" if role else f"{path[-1]!r} is missing"
            suggestion = "add `pin:` with a roster id" if role else None
        at_key = kind == "extra_forbidden" or "[key]" in found["loc"]
        problems.append(source.problem(path, code, message, key=at_key, suggestion=suggestion))
    return problems


def _value_at(source: Source, path: Sequence[str | int]) -> Any:
    """What the file says at ``path``; None where that leads nowhere."""
    value: Any = source.root.value
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _fields_at(path: Sequence[str | int]) -> list[str]:
    """The fields that may stand where ``path`` leads: those of the part that the file's own shape puts there."""
    if not path:
        return list(Document.model_fields)
    field = Document.model_fields.get(str(path[0]))
    model: Any = field.annotation if field else None
    while arguments := getattr(model, "__args__", None):
        model = arguments[-1]
    fields = getattr(model, "model_fields", {})
    return [info.alias or name for name, info in fields.items()]
