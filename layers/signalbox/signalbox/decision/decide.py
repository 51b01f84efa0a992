"""``decide``: which model answers, which may stand in, which may not, and why. Pure."""

from collections.abc import Mapping
from datetime import datetime

from signalbox.contracts.decisions import Decision, Hop, Rejection
from signalbox.contracts.errors import NotFound, Unprocessable
from signalbox.contracts.requests import InferenceRequest
from signalbox.contracts.runtime import Runtime
from signalbox.contracts.signals import Signals
from signalbox.decision.availability import Availability
from signalbox.decision.sizing import Sizing
from signalbox.policy.resolved import Policy, Role, RosterModel, Route
from signalbox.pricing.table import PriceTable
from signalbox.signals.variables import variables

# API Gateway answers 504 after 29 s whatever we do; the reply has to be on its way before.
GATEWAY_LIMIT_MS = 28_000
NOTHING_KNOWN = Runtime()


def decide(
    request: InferenceRequest,
    signals: Signals,
    policy: Policy,
    prices: PriceTable,
    now: datetime,
    runtime: Runtime = NOTHING_KNOWN,
    *,
    degraded_to: str | None = None,
    full: Mapping[str, str] | None = None,
) -> Decision:
    """The first route that matches gives the role, the role its candidates, and each is sized.

    ``policy`` is corrected by ``runtime`` already. ``degraded_to`` names the role that answers instead, when a
    limit is reached; never in place of a pinned one. ``full`` are models whose gate is, each with what to say of it.

    Raises ``Unprocessable`` (``no_route``, ``compliance_unrouted``) and ``NotFound``
    (``model_not_found``). A decision without hops is not an error here; ``refusal`` turns it
    into one.
    """
    route = _first_match(signals, policy)
    role, candidates, outside, reasons = _candidates(request, signals, policy, route, degraded_to)
    deadline_ms = min(request.deadline_ms or route.deadline_ms, GATEWAY_LIMIT_MS)
    sizing = Sizing(request, signals.tokens, policy, prices, now, deadline_ms, route.max_cost_microusd)
    availability = Availability(runtime, full or {}, now)
    sized = [availability.of(sizing.size(model)) for model in candidates]
    hops = tuple(hop for hop in sized if isinstance(hop, Hop))
    rejected = (*outside, *(one for one in sized if isinstance(one, Rejection)))
    return Decision(
        route=route.name,
        role=role,
        plan=route.plan,
        pinned=route.role.pinned,
        deadline_ms=deadline_ms,
        hops=hops,
        rejected=rejected,
        reasons=(*reasons, *_choice(hops, rejected)),
        signals=signals,
        policy_version=policy.version,
    )


def _first_match(signals: Signals, policy: Policy) -> Route:
    seen = variables(signals)
    for route in policy.routes:
        if route.covers(signals.path) and route.matcher.matches(seen):
            return route
    raise Unprocessable("no_route", f"The policy has no route for this request to {signals.path}.")


def _candidates(
    request: InferenceRequest, signals: Signals, policy: Policy, route: Route, degraded_to: str | None
) -> tuple[str | None, tuple[RosterModel, ...], tuple[Rejection, ...], tuple[str, ...]]:
    """Role name, models to size, models ruled out by the pin, and the reasons so far."""
    matched = f"route {route.name}: {route.matcher.source}"
    asked = _asked_for(request.model, policy)
    if route.role.pinned:
        outside = tuple(
            Rejection(model=model.id, reason="compliance", detail=f"outside the pin {route.role.pin.id}")
            for model in (asked.candidates if asked else ())
            if model.id != route.role.pin.id
        )
        return route.role.name, (route.role.pin,), outside, (matched, f"pinned to {route.role.pin.id}")
    if signals.needs_compliance_check:
        raise Unprocessable("compliance_unrouted", f"Route {route.name} is not pinned, so it may not take this.")
    if degraded_to is not None:
        cheaper = policy.roles[degraded_to]
        told = f"a limit is reached: role {cheaper.name} answers instead"
        return cheaper.name, cheaper.candidates, (), (matched, told)
    if asked is None:
        return route.role.name, route.role.candidates, (), (matched, f"role {route.role.name}")
    named = asked.name if asked.name in policy.roles else None
    return named, asked.candidates, (), (matched, f"the caller asked for {request.model}")


def _asked_for(model: str, policy: Policy) -> Role | None:
    """The role behind the caller's ``model``; a roster id stands for that model and no other."""
    if model == "auto":
        return None
    if model in policy.roles:
        return policy.roles[model]
    if model in policy.roster:
        return Role(name=model, pin=policy.roster[model])
    known = ", ".join(["auto", *policy.roles, *policy.roster])
    raise NotFound("model_not_found", f"There is no such model here. Known are: {known}.", param="model")


def _choice(hops: tuple[Hop, ...], rejected: tuple[Rejection, ...]) -> tuple[str, ...]:
    passed_over = tuple(f"not {one.model}: {one.reason} ({one.detail})" for one in rejected)
    if not hops:
        return (*passed_over, "no candidate may answer")
    first = hops[0]
    probing = (f"{first.model} comes back from a cooling time: this is its probe",) if first.probe else ()
    return (*passed_over, f"{first.model} fits: worst case {first.worst_cost_microusd} micro-dollars", *probing)
