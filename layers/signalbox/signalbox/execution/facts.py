"""What a caller is told of the routing: the ``signalbox`` object and the ``x-signalbox-*`` headers. Pure."""

from typing import Any

from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.decisions import Decision
from signalbox.execution.outcome import Outcome


def routing_facts(
    request_id: str, decision: Decision, outcome: Outcome, reply: AdapterReply, latency_ms: int
) -> dict[str, Any]:
    """The ``signalbox`` object of a reply that a model just gave."""
    return {
        "request_id": request_id,
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
        "status": "preliminary" if outcome.preliminary else "final",
        "resolution": outcome.resolution,
        "resolution_reason": outcome.reason,
        "reply_confidence": round(outcome.confidence.value, 4) if outcome.confidence else None,
        # Below the base URL, whatever domain and stage that has.
        **({"reply_path": f"/replies/{request_id}"} if outcome.preliminary else {}),
        "cached": False,
    }


def routing_headers(decision: Decision, outcome: Outcome | None = None) -> dict[str, str]:
    """The routing facts that a caller can read without opening the body; of the last model tried, if any was."""
    tried = outcome.attempts[-1].model if outcome and outcome.attempts else decision.model
    cost = {"x-signalbox-cost-microusd": str(outcome.cost_microusd)} if outcome else {}
    return {
        **cost,
        "x-signalbox-route": decision.route,
        "x-signalbox-role": decision.role or "",
        "x-signalbox-model": tried or "",
        "x-signalbox-plan": decision.plan,
        **({"x-signalbox-status": "preliminary" if outcome.preliminary else "final"} if outcome else {}),
        "x-signalbox-policy": decision.policy_version,
    }
