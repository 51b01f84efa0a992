"""What is wrong, or looks wrong, with a policy: every problem with its place and a way out.

What ``load`` refuses (syntax, shape, unknown names, types) comes first and alone; once a policy
loads, these checks ask whether it does what it should. What is exact about reachability and
coverage and what is not: see ``shapes``.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from signalbox.policy.entities import unbounded_neighbours, unbounded_nesting
from signalbox.policy.features import profile_features
from signalbox.policy.lint_plans import PlanChecks
from signalbox.policy.lint_state import StateChecks, Worst
from signalbox.policy.load import parse_source
from signalbox.policy.matchers import CelMatcher, always
from signalbox.policy.problems import PolicyInvalid, Problem, Severity, did_you_mean
from signalbox.policy.resolved import ComplexityRule, ConfidenceRule, Policy, RosterModel, Route
from signalbox.policy.shapes import API_PATHS, Condition, Findings, spell, survey
from signalbox.policy.source import Source

Prices = Callable[[str, str], bool]
RETIRES_SOON = timedelta(days=60)


def check(text: str, filename: str, now: date, prices: Prices, worst: Worst | None = None) -> list[Problem]:
    """Every problem, in the order of the file. ``prices(provider, provider_model)``: whether its price is known;
    ``worst``: what a call of it costs at worst, without which caps are not held against prices."""
    try:
        policy, source = parse_source(text, filename)
    except PolicyInvalid as error:
        return sorted(error.problems, key=_place)
    found = [
        *_Checks(policy, source, now, prices).all(),
        *StateChecks(policy, source, worst).all(),
        *PlanChecks(policy, source).all(),
    ]
    return sorted(found, key=_place)


def _place(problem: Problem) -> tuple[int, int, str]:
    return problem.line, problem.column, problem.code


@dataclass(frozen=True)
class _Checks:
    policy: Policy
    source: Source
    now: date
    prices: Prices

    def all(self) -> Iterator[Problem]:
        yield from self._retirement()
        yield from self._roster()
        yield from self._fallbacks()
        yield from self._unused()
        yield from self._entities()
        yield from self._rules("complexity", self.policy.complexity)
        yield from self._rules("confidence", self.policy.confidence)
        yield from self._paths()
        yield from self._routes()
        yield from self._coverage()
        yield from self._compliance()
        yield from self._windows()

    def _problem(
        self, path: Sequence[str | int], code: str, message: str, hint: str | None = None, **more: Any
    ) -> Problem:
        return self.source.problem(path, code, message, suggestion=hint, **more)

    # -- models -------------------------------------------------------------------------------

    def _uses(self) -> Iterator[tuple[tuple[str | int, ...], RosterModel, bool]]:
        """Where models are named, and whether as a pin."""
        for name, role in self.policy.roles.items():
            yield ("roles", name, "pin"), role.pin, True
            for index, fallback in enumerate(role.fallbacks):
                yield ("roles", name, "fallbacks", index), fallback, False
        for index, route in enumerate(self.policy.routes):
            if route.role.name not in self.policy.roles:
                yield ("routes", index, "target"), route.role.pin, True
            if route.escalate_to is not None and route.escalate_to.name not in self.policy.roles:
                yield ("routes", index, "escalate_to"), route.escalate_to.pin, True

    def _retirement(self) -> Iterator[Problem]:
        for path, model, is_pin in self._uses():
            if model.retires is None or model.retires > self.now + RETIRES_SOON:
                continue
            line = self.source.at(("roster", model.id, "retires"))[0]
            if model.retires > self.now:
                message = f"{model.id} retires on {model.retires} (line {line})"
                yield self._problem(path, "retires_soon", message, "choose its successor", severity="warning")
            else:
                message = f"{model.id} retired on {model.retires} (line {line})"
                severity = "error" if is_pin else "warning"
                yield self._problem(path, "retired", message, "pin a model that still answers", severity=severity)

    def _roster(self) -> Iterator[Problem]:
        for name, model in self.policy.roster.items():
            if not self.prices(model.provider, model.provider_model):
                message = f"no price for {model.provider}/{model.provider_model}"
                hint = "correct the model's id, or run `signalbox prices update`"
                yield self._problem(("roster", name, "model"), "unpriced", message, hint)
            for parameter, feature in profile_features(model.profile).items():
                if feature not in model.features:
                    message = f"profile {model.profile.name!r} sets {parameter}, which {name} does not take"
                    hint = f"another profile, or {feature!r} among its features if it does"
                    yield self._problem(("roster", name, "profile"), "unsupported_parameter", message, hint)

    def _fallbacks(self) -> Iterator[Problem]:
        for name, role in self.policy.roles.items():
            for index, fallback in enumerate(role.fallbacks):
                path = ("roles", name, "fallbacks", index)
                if fallback == role.pin:
                    yield self._problem(path, "fallback_is_pin", f"{fallback.id} is the pin already", "remove it")
                elif fallback in role.fallbacks[:index]:
                    yield self._problem(path, "duplicate_fallback", f"{fallback.id} is named twice", "remove it")

    def _unused(self) -> Iterator[Problem]:
        models = {model.id for _, model, _ in self._uses()}
        profiles = {model.profile.name for model in self.policy.roster.values()}
        roles = {role.name for route in self.policy.routes for role in (route.role, route.escalate_to) if role}
        declared = self.source.root.value.get("profiles") or {}
        for part, names, used, user in (
            ("roster", self.policy.roster, models, "role or route"),
            ("profiles", declared, profiles, "model"),
            ("roles", self.policy.roles, roles, "route"),
        ):
            for name in names:
                if name not in used:
                    message = f"no {user} uses {name!r}"
                    yield self._problem((part, name), "unused", message, key=True, severity="warning")

    def _entities(self) -> Iterator[Problem]:
        for name, pattern in self.policy.entities.items():
            if unbounded_nesting(pattern.pattern):
                message = "a repeat without a limit inside another can take exponential time"
                yield self._problem(("entities", name), "entity_backtracking", message, "bound them, as in {1,32}")
            elif unbounded_neighbours(pattern.pattern):
                message = "two repeats without a limit over the same characters can take quadratic time"
                yield self._problem(("entities", name), "entity_backtracking", message, "bound them, as in {1,32}")

    # -- conditions ---------------------------------------------------------------------------

    def _rules(self, part: str, rules: Sequence[ComplexityRule | ConfidenceRule]) -> Iterator[Problem]:
        findings = survey([Condition(_cel(rule.matcher)) for rule in rules])
        yield from self._reach(part, "when", findings, [f"rule {index + 1}" for index in range(len(rules))])

    def _routes(self) -> Iterator[Problem]:
        yield from self._reach("routes", "matcher", self._findings, [route.name for route in self.policy.routes])

    def _reach(self, part: str, key: str, findings: Findings, names: Sequence[str]) -> Iterator[Problem]:
        for index, (shape, message) in findings.failures.items():
            hint = f"at {spell(shape)}"
            yield self._problem((part, index, key), "matcher_fails", message, hint)
        for index, name in enumerate(names):
            if index in findings.reached or index in findings.failures:
                continue
            sure = "error" if findings.exact else "warning"
            tried = "" if findings.exact else f" in {len(findings.shapes)} shapes tried"
            if index not in findings.can_hold:
                yield self._problem((part, index, key), "always_false", f"{name} never holds{tried}", severity=sure)
                continue
            message = f"{name} is never reached{tried}: what comes before it takes every request"
            yield self._problem((part, index), "unreachable", message, "move it up, or remove it", severity=sure)

    @cached_property
    def _findings(self) -> Findings:
        conditions = [Condition(_cel(route.matcher), route.path) for route in self.policy.routes]
        limits = {self._route_capacity(route) for route in self.policy.routes}
        return survey(conditions, ["needs_compliance_check"], sorted(limits))

    def _coverage(self) -> Iterator[Problem]:
        seen = set()
        for shape, index in self._findings.shapes:
            if index is None and shape["path"] not in seen:
                seen.add(shape["path"])
                hint = "end with a route that has no matcher"
                yield self._problem(("routes",), "uncovered", f"no route for {spell(shape)}", hint, key=True)

    def _compliance(self) -> Iterator[Problem]:
        seen = set()
        for shape, index in self._findings.shapes:
            if index is None or index in seen or not shape["needs_compliance_check"]:
                continue
            role = self.policy.routes[index].role
            if not role.pinned:
                seen.add(index)
                message = f"a compliance-bound request can reach {role.name!r}, which is not pinned: {spell(shape)}"
                hint = "route `needs_compliance_check` to a pinned role first"
                yield self._problem(("routes", index, "target"), "compliance_unpinned", message, hint)

    def _paths(self) -> Iterator[Problem]:
        """Routes whose path no request comes by."""
        for index, route in enumerate(self.policy.routes):
            if not any(route.covers(path) for path in API_PATHS):
                message = f"no request comes by {route.path!r}"
                yield self._problem(
                    ("routes", index, "path"), "unknown_path", message, did_you_mean(str(route.path), API_PATHS)
                )

    def _windows(self) -> Iterator[Problem]:
        """Sizes that this role cannot take and another model could. A pin is exempt: nobody else may answer."""
        best = max(map(self._capacity, self.policy.roster.values()))
        seen = set()
        for shape, index in self._findings.shapes:
            if index is None or index in seen:
                continue
            role, tokens = self.policy.routes[index].role, int(shape["token_count"])
            if not role.pinned and self._route_capacity(self.policy.routes[index]) < tokens <= best:
                seen.add(index)
                message = f"token_count={tokens} is beyond every window of {role.name!r}: {spell(shape)}"
                hint = "bound token_count in the matcher, or add a fallback with a larger window"
                # Who targets a model by name has chosen its window; a role promises an answer.
                severity: Severity = "error" if role.name in self.policy.roles else "warning"
                yield self._problem(("routes", index, "target"), "beyond_window", message, hint, severity=severity)

    def _capacity(self, model: RosterModel) -> int:
        """Tokens by o200k_base that it takes when the default output is left room for."""
        output = min(self.policy.default_max_output_tokens, model.output_cap_tokens)
        return max(int((model.window_tokens - output) / model.token_factor), 0)

    def _route_capacity(self, route: Route) -> int:
        """Where no fast model can, the stronger one answers."""
        roles = [role for role in (route.role, route.escalate_to) if role]
        return max(self._capacity(model) for role in roles for model in role.candidates)


def _cel(matcher: object) -> CelMatcher:
    return matcher if isinstance(matcher, CelMatcher) else always()
