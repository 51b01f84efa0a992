"""The policy with its models' figures corrected by what was measured. Pure."""

import math
from collections.abc import Mapping
from dataclasses import replace

from signalbox.contracts.runtime import ModelState, Runtime
from signalbox.policy.resolved import Policy, Role, RosterModel

# The factor is meant to err high. So little above the average it is raised; lowered it is only when the average
# lies far below, as half of all texts take more than the average. Budgets reserve by it.
RAISED_ABOVE = 1.05
LOWERED_TO = 1.25
# However strange one caller's texts are, the others' are not sized by them alone.
LEAST, MOST = 0.5, 2.0


def corrected(policy: Policy, runtime: Runtime) -> Policy:
    """``policy`` itself where nothing changes, else with the same models corrected in roster, roles and routes.

    A factor is never below the measured average, up to twice the policy's own.
    """
    enough = policy.health.least_attempts
    changed = {
        name: model
        for name, known in policy.roster.items()
        if (model := _corrected(known, runtime.of(name), enough)) is not known
    }
    if not changed:
        return policy
    roles = {name: _with(role, changed) for name, role in policy.roles.items()}
    return replace(
        policy,
        roster={**policy.roster, **changed},
        roles=roles,
        # A route may name a model where others name a role.
        routes=tuple(
            replace(route, role=roles.get(route.role.name) or _with(route.role, changed)) for route in policy.routes
        ),
    )


def corrected_factor(factor: float, measured: float | None, *, enough: bool) -> float:
    """Raised at the first sign; lowered with ``enough`` attempts only."""
    if measured is None:
        return factor
    if measured * RAISED_ABOVE > factor:
        return min(measured * RAISED_ABOVE, factor * MOST)
    if enough:
        return min(factor, max(measured * LOWERED_TO, factor * LEAST))
    return factor


def _corrected(model: RosterModel, state: ModelState, least_attempts: int) -> RosterModel:
    enough = round(state.attempts) >= least_attempts
    factor = corrected_factor(model.token_factor, state.token_ratio, enough=enough)
    typical = model.typical_latency_ms
    # Only ever shorter: a model ruled out by its average would not be called again, nor measured.
    if typical is not None and enough and state.latency_ms is not None:
        typical = min(typical, math.ceil(state.latency_ms))
    if factor == model.token_factor and typical == model.typical_latency_ms:
        return model
    return replace(model, token_factor=factor, typical_latency_ms=typical)


def _with(role: Role, changed: Mapping[str, RosterModel]) -> Role:
    if not any(one.id in changed for one in role.candidates):
        return role
    fallbacks = tuple(changed.get(one.id, one) for one in role.fallbacks)
    return replace(role, pin=changed.get(role.pin.id, role.pin), fallbacks=fallbacks)
