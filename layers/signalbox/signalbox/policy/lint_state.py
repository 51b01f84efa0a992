"""Budgets, limits, caching and keeping that say something other than what was meant."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from signalbox.policy.problems import Problem
from signalbox.policy.resolved import Budget, Policy, Role, RosterModel, Route
from signalbox.policy.source import Source

# The worst price in micro-dollars by provider, provider's model, input and output tokens; None where it has none.
Worst = Callable[[str, str, int, int], int | None]


@dataclass(frozen=True)
class StateChecks:
    """``worst`` None: nothing that depends on prices is looked into."""

    policy: Policy
    source: Source
    worst: Worst | None

    def all(self) -> Iterator[Problem]:
        yield from self._routes()
        yield from self._limits()
        for index, budget in enumerate(self.policy.budgets):
            yield from self._degrading(index, budget)
            yield from self._cap(index, budget)

    def _routes(self) -> Iterator[Problem]:
        for index, route in enumerate(self.policy.routes):
            if not route.role.pinned:
                continue
            if route.cache:
                message = f"{route.role.name!r} is pinned, and what is pinned is never cached"
                yield self.source.problem(("routes", index, "cache"), "never_cached", message, suggestion="remove it")
            if route.keep_text:
                message = f"the ledger would keep the words of compliance-bound requests to {route.role.name!r}"
                path, hint = ("routes", index, "keep_text"), "remove it, unless it is meant"
                yield self.source.problem(path, "keeps_text", message, suggestion=hint, severity="warning")

    def _limits(self) -> Iterator[Problem]:
        for index, limit in enumerate(self.policy.limits):
            if (limit.requests_per_minute, limit.tokens_per_minute, limit.in_flight) == (None, None, None):
                hint = "requests_per_minute, tokens_per_minute or in_flight"
                yield self.source.problem(("limits", index), "empty_limit", "this limits nothing", suggestion=hint)

    def _degrading(self, index: int, budget: Budget) -> Iterator[Problem]:
        if budget.degrade_to is None:
            return
        role, path = self.policy.roles[budget.degrade_to], ("budgets", index, "on_exceeded")
        if role.pinned:
            message = f"{role.name!r} is pinned: it is for what no other model may answer"
            yield self.source.problem(path, "degrade_pinned", message, suggestion="another role, or reject")
        elif self._has_its_own_cap(budget, role):
            message = f"{role.name!r} is under this cap itself, so it has no room either"
            yield self.source.problem(path, "degrade_same", message, suggestion="another role, or reject")
        elif self._helps_nobody(budget, role):
            message = f"no route under this cap costs more than {role.name!r}"
            yield self.source.problem(path, "degrade_dearer", message, suggestion="a cheaper role, or reject")

    def _has_its_own_cap(self, budget: Budget, role: Role) -> bool:
        match budget.scope:
            case "role":
                return budget.of == role.name
            case "model":
                return budget.of in {model.id for model in role.candidates}
            case _:
                return False

    def _helps_nobody(self, budget: Budget, role: Role) -> bool:
        instead = self._plan(role)
        plans = [self._plan(route.role) for route in self._covered(budget) if not route.role.pinned]
        return instead is not None and bool(plans) and all(plan is not None and plan <= instead for plan in plans)

    def _cap(self, index: int, budget: Budget) -> Iterator[Problem]:
        """A cap under what one request may cost; one of 0 is meant to let nothing through."""
        needs = [(need, route) for route in self._covered(budget) if (need := self._need(budget, route)) is not None]
        if not needs or budget.cap_microusd == 0:
            return
        need, route = max(needs, key=lambda one: one[0])
        if need > budget.cap_microusd:
            message = (
                f"one request of route {route.name!r} without max_tokens may cost {need} micro-dollars, so it never"
                f" has room under {budget.cap_microusd}"
            )
            path, hint = ("budgets", index, "cap_microusd"), "raise it, or lower defaults.max_output_tokens"
            yield self.source.problem(path, "cap_too_small", message, suggestion=hint, severity="warning")

    def _covered(self, budget: Budget) -> list[Route]:
        """Routes whose requests this cap may hold, taken that the caller names no model."""
        return [route for route in self.policy.routes if self._covers(budget, route)]

    def _covers(self, budget: Budget, route: Route) -> bool:
        match budget.scope:
            case "role":
                return budget.of in (None, route.role.name)
            case "model":
                return budget.of is None or budget.of in {model.id for model in route.role.candidates}
            case _:
                return True

    def _need(self, budget: Budget, route: Route) -> int | None:
        """What one request of ``route`` holds of the cap at the least, when it leaves its length open."""
        if budget.scope != "model":
            return self._plan(route.role)
        candidates = [model for model in route.role.candidates if budget.of in (None, model.id)]
        costs = [cost for model in candidates if (cost := self._least_worst(model)) is not None]
        return max(costs, default=None)

    def _plan(self, role: Role) -> int | None:
        """Every hop of it together; None where one has no price."""
        costs = [self._least_worst(model) for model in role.candidates]
        known = [cost for cost in costs if cost is not None]
        return sum(known) if len(known) == len(costs) else None

    def _least_worst(self, model: RosterModel) -> int | None:
        return self._prices.get(model.id)

    @cached_property
    def _prices(self) -> dict[str, int]:
        """By roster id, the worst price of next to no input and the default output."""
        if self.worst is None:
            return {}
        most = self.policy.default_max_output_tokens
        found = {
            name: self.worst(model.provider, model.provider_model, 1, min(most, model.output_cap_tokens))
            for name, model in self.policy.roster.items()
        }
        return {name: cost for name, cost in found.items() if cost is not None}
