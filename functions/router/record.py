"""Leaves a trace of every request for a model: one log line and one set of metrics, never a word of its text."""

from aws_lambda_powertools import Logger

from router.incoming import Incoming
from signalbox.contracts.errors import SignalboxError
from signalbox.execution.served import Served
from signalbox.telemetry import gen_ai
from signalbox.telemetry.metrics import emit

logger = Logger(child=True)


def record(who: Incoming, served: Served, latency_ms: int) -> None:
    """What was decided, what became of it, its tokens, its cost in micro-dollars and its time."""
    decision, outcome, error = served.decision, served.outcome, served.error
    reply = served.answer.reply if served.answer else None
    # An answer that is given again was decided before, and says where.
    route = decision.route if decision else str(served.answer.facts["route"] if served.answer else "none")
    asked = reply if served.replay is None else None  # a model's answer now, not one given again
    model = reply.model if reply else (outcome.attempts[-1].model if outcome.attempts else "none")
    if model == "none" and decision is not None and decision.model:
        model = decision.model
    fields: dict[str, object] = {
        "request_id": who.request_id,
        "caller": who.caller,
        "key_id": who.key_id,
        "signalbox.route": route,
        "signalbox.attempts": [
            f"{one.model}:{one.failure.name if one.failure else 'reply'}" for one in outcome.attempts
        ],
        "signalbox.replay": served.replay.by if served.replay else None,
        "signalbox.unrecorded": served.unrecorded,
        gen_ai.REQUEST_MODEL: model,
        gen_ai.RESPONSE_MODEL: reply.model_version if reply else None,
        gen_ai.USAGE_INPUT_TOKENS: asked.usage.input_tokens if asked else 0,
        gen_ai.USAGE_OUTPUT_TOKENS: asked.usage.output_tokens if asked else 0,
        "cost_microusd": outcome.cost_microusd,
        "latency_ms": latency_ms,
        "status": error.status if error else 200,
        "error.code": error.code if error else None,
    }
    metrics: dict[str, float | int] = {
        "requests": 1,
        "errors": 1 if error else 0,
        "latency_ms": latency_ms,
        "cost_microusd": outcome.cost_microusd,
        "attempts": len(outcome.attempts),
        "replays": 1 if served.replay else 0,
        "unrecorded": 1 if served.unrecorded else 0,
    }
    sure = outcome.confidence if served.replay is None else None
    if sure is not None:
        metrics["SemanticConfidence"] = sure.value
        fields |= {"signalbox.reply_confidence": sure.value, "signalbox.missing_evidence": list(sure.missing)}
    if decision is not None:
        fields |= {
            "signalbox.resolution": outcome.resolution if reply else None,
            "signalbox.preliminary": outcome.preliminary,
            "signalbox.role": decision.role,
            "signalbox.plan": decision.plan,
            "signalbox.policy_version": decision.policy_version,
            "signalbox.complexity": decision.signals.complexity,
            "signalbox.confidence": decision.signals.confidence,
            "signalbox.rejected": [f"{one.model}:{one.reason}" for one in decision.rejected],
            "estimated_input_tokens": decision.signals.tokens.value,
        }
    logger.info("decision", extra=fields)
    outcome_name = error.code if error else (f"replayed:{served.replay.by}" if served.replay else "ok")
    dimensions = {"route": route, "model": model, "outcome": outcome_name}
    emit("router", dimensions, metrics, {"caller": who.caller, "request_id": who.request_id})


def record_refusal(request_id: str, error: Exception) -> None:
    """A request that came to no decision. Codes are a closed set, so few metrics come of them."""
    code = error.code if isinstance(error, SignalboxError) else "internal_error"
    status = error.status if isinstance(error, SignalboxError) else 500
    logger.info("refusal", extra={"request_id": request_id, "status": status, "error.code": code})
    dimensions = {"route": "none", "model": "none", "outcome": code}
    emit("router", dimensions, {"requests": 1, "errors": 1}, {"request_id": request_id})
