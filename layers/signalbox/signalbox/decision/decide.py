"""``decide``: which model answers, which may stand in, which may not, and why. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from signalbox.contracts.decisions import Decision, Hop, HopStep, Rejection
from signalbox.contracts.errors import NotFound, Unprocessable
from signalbox.contracts.messages import ResponseFormat
from signalbox.contracts.requests import InferenceRequest, Sampling
from signalbox.contracts.runtime import Runtime
from signalbox.contracts.signals import Signals
from signalbox.decision.availability import Availability
from signalbox.decision.bounds import VERDICT_OUTPUT_TOKENS
from signalbox.decision.grounding import added_tokens, bound
from signalbox.decision.sizing import Sizing
from signalbox.decision.steps import Extended, extended, output_tokens
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
    sizes = _Sizes(request, signals, policy, prices, now, deadline_ms, route, Availability(runtime, full or {}, now))
    sized = [sizes(model, "answer") for model in candidates]
    hops = tuple(hop for hop in sized if isinstance(hop, Hop))
    rejected = (*outside, *(one for one in sized if isinstance(one, Rejection)))
    if role == route.role.name:
        owes = route.terms.demands or sizes.request.response_format.type != "text"
        plan = extended(route, hops, policy.roster, sizes, owes=owes)
    else:  # whoever asks for another model, or is given a cheaper one, gets that and no plan
        plan = _without_a_plan(route, hops)
    rejected = (*rejected, *(plan.rejected if not plan.hops else ()))
    return Decision(
        route=route.name,
        role=role,
        plan=plan.plan,
        pinned=route.role.pinned,
        deadline_ms=deadline_ms,
        hops=plan.hops,
        rejected=rejected,
        reasons=(*reasons, *_choice(plan.hops, rejected), *((plan.reason,) if plan.reason else ())),
        signals=signals,
        policy_version=policy.version,
        terms=route.terms.model_copy(update={"ceiling_microusd": _ceiling_microusd(request, route)}),
    )


def _without_a_plan(route: Route, hops: tuple[Hop, ...]) -> Extended:
    """Where every reply is to be verified, only who could have verified it answers alone."""
    if not route.terms.must_verify or route.escalate_to is None:
        return Extended("single", hops)
    trusted = {model.id for model in route.escalate_to.candidates}
    told = f"route {route.name} demands verification, and nobody would verify it"
    unfit = tuple(Rejection(model=hop.model, reason="verification", detail=told) for hop in hops)
    return Extended("single", tuple(hop for hop in hops if hop.model in trusted), unfit)


def _ceiling_microusd(request: InferenceRequest, route: Route) -> int | None:
    """The caller's word or the policy's, whichever is less."""
    return min((one for one in (request.max_cost_microusd, route.max_cost_microusd) if one is not None), default=None)


class _Sizes:
    """Sizes models for the steps of one request."""

    def __init__(
        self,
        request: InferenceRequest,
        signals: Signals,
        policy: Policy,
        prices: PriceTable,
        now: datetime,
        deadline_ms: int,
        route: Route,
        availability: Availability,
    ) -> None:
        self.request = bound(request, route.terms)
        self.availability, self.route, self.policy, self.deadline_ms = availability, route, policy, deadline_ms
        ceiling = _ceiling_microusd(request, route)
        self.sizing = Sizing(self.request, signals.tokens, policy, prices, now, deadline_ms, ceiling)
        self.added_tokens = added_tokens(route.terms, policy)

    def __call__(self, model: RosterModel, step: HopStep, extra_tokens: int = 0) -> Hop | Rejection:
        later = self.route.plan == "verify" and step in ("verify", "escalate", "self_check")
        sizing = replace(
            self.sizing,
            request=self._asked(model, step),
            deadline_ms=self.route.terms.verify_within_ms if later else self.deadline_ms,
            step=step,
            extra_tokens=self.added_tokens + extra_tokens,
        )
        return self.availability.of(sizing.size(model))

    def _asked(self, model: RosterModel, step: HopStep) -> InferenceRequest:
        """What a verdict asks of a model is no more than words; the caller's parameters are for the answer."""
        if step not in ("verify", "self_check"):
            return self.request
        answer = self.request.max_output_tokens or self.policy.default_max_output_tokens
        most = output_tokens(step) or min(answer + VERDICT_OUTPUT_TOKENS, model.output_cap_tokens)
        return self.request.model_copy(
            update={
                "tools": (),
                "tool_choice": None,
                "response_format": ResponseFormat(),
                "sampling": Sampling(),
                "max_output_tokens": most,
            }
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
    if request.bound_to is not None and (not route.role.pinned or route.role.pin.id != request.bound_to):
        told = f"The conversation is bound to {request.bound_to}, and route {route.name} is not; begin a new one."
        raise Unprocessable("compliance_bound_elsewhere", told, param="conversation_id")
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
