"""What the operations that ask a model have in common: choose, answer, record, respond."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import Response

from router.incoming import Incoming
from router.record import record
from router.respond import decision_headers, failed
from router.services import services
from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.decisions import Decision
from signalbox.contracts.requests import InferenceRequest
from signalbox.execution.answer import answer, choose
from signalbox.execution.outcome import Outcome

# A request cannot have waited longer at the door; more than this is a clock that is off.
MOST_QUEUED_MS = 5_000

Render = Callable[[AdapterReply, dict[str, Any], dict[str, str]], Response[str]]


def respond(who: Incoming, request: InferenceRequest, render: Render) -> Response[str]:
    """Ask the chosen model; ``render`` gets its reply, the routing facts and their headers.

    Raises what choosing raises; a plan that failed becomes its error here, with the routing headers.
    """
    known = services()
    now_ms = known.clock.now_ms()
    arrived_at_ms = min(now_ms, max(who.arrived_at_ms, now_ms - MOST_QUEUED_MS))
    decision = choose(request, known)
    outcome = answer(request, decision, known, arrived_at_ms)
    latency_ms = known.clock.now_ms() - arrived_at_ms
    record(who, decision, outcome, latency_ms)
    if outcome.reply is None:
        error = outcome.error or RuntimeError("a plan ended without a reply and without an error")
        return failed(error, who.request_id, decision_headers(decision, outcome))
    headers = {"x-request-id": who.request_id, **decision_headers(decision, outcome)}
    return render(outcome.reply, facts(who, decision, outcome, outcome.reply, latency_ms), headers)


def facts(who: Incoming, decision: Decision, outcome: Outcome, reply: AdapterReply, latency_ms: int) -> dict[str, Any]:
    """The ``signalbox`` object of a reply."""
    return {
        "request_id": who.request_id,
        "route": decision.route,
        "role": decision.role,
        "model": reply.model,
        "provider_model": reply.model_version,
        "plan": decision.plan,
        "complexity": decision.signals.complexity,
        "confidence": decision.signals.confidence,
        "reasons": list(decision.reasons),
        "rejected": [one.model_dump(mode="json") for one in decision.rejected],
        "attempts": [
            {"model": one.model, "failure": one.failure.name if one.failure else None} for one in outcome.attempts
        ],
        "cost_microusd": outcome.cost_microusd,
        "latency_ms": latency_ms,
        "policy_version": decision.policy_version,
        "simulated": reply.simulated,
    }
