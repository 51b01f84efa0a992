"""Plans that load and yet do not do what was meant."""

from collections.abc import Iterator
from dataclasses import dataclass

from signalbox.policy.problems import Problem
from signalbox.policy.resolved import Policy, Route
from signalbox.policy.source import Source


@dataclass(frozen=True)
class PlanChecks:
    policy: Policy
    source: Source

    def all(self) -> Iterator[Problem]:
        for index, route in enumerate(self.policy.routes):
            yield from self._stronger(index, route)
            yield from self._cached(index, route)
        yield from self._unused("collections", {route.terms.collection for route in self.policy.routes})
        yield from self._unused("webhooks", {route.terms.webhook for route in self.policy.routes})

    def _stronger(self, index: int, route: Route) -> Iterator[Problem]:
        if route.escalate_to is None:
            return
        path = ("routes", index, "escalate_to")
        fast = {model.id for model in route.role.candidates}
        if {model.id for model in route.escalate_to.candidates} <= fast:
            message = f"{route.escalate_to.name!r} has no model that {route.role.name!r} has not"
            yield self.source.problem(path, "escalate_same", message, suggestion="a stronger role")
        if route.plan == "single" and not route.terms.demands:
            message = "the plan single escalates a reply that breaks its contract, and this route has none"
            hint = "add `contract:` or `citations:`, or another plan"
            yield self.source.problem(path, "escalate_unused", message, suggestion=hint, severity="warning")

    def _cached(self, index: int, route: Route) -> Iterator[Problem]:
        if route.plan != "single" and route.cache:
            message = f"replies of the plan {route.plan} are never cached"
            yield self.source.problem(("routes", index, "cache"), "never_cached", message, suggestion="remove it")

    def _unused(self, part: str, used: set[str | None]) -> Iterator[Problem]:
        for name in getattr(self.policy, part):
            if name not in used:
                message = f"no route uses {name!r}"
                yield self.source.problem((part, name), "unused", message, key=True, severity="warning")
