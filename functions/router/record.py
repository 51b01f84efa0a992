"""Leaves a trace of every request for a model: one log line and one set of metrics, never a word of its text."""

from aws_lambda_powertools import Logger

from router.incoming import Incoming
from signalbox.contracts.decisions import Decision
from signalbox.contracts.errors import SignalboxError
from signalbox.execution.outcome import Outcome
from signalbox.telemetry import gen_ai
from signalbox.telemetry.metrics import emit

logger = Logger(child=True)


def record(who: Incoming, decision: Decision, outcome: Outcome, latency_ms: int) -> None:
    """The decision, what became of it, its tokens, its cost in micro-dollars and its time."""
    reply, error = outcome.reply, outcome.error
    model = reply.model if reply else (outcome.attempts[-1].model if outcome.attempts else decision.model or "none")
    status = error.status if error else 200
    logger.info(
        "decision",
        extra={
            "request_id": who.request_id,
            "caller": who.caller,
            "key_id": who.key_id,
            "signalbox.route": decision.route,
            "signalbox.role": decision.role,
            "signalbox.plan": decision.plan,
            "signalbox.policy_version": decision.policy_version,
            "signalbox.complexity": decision.signals.complexity,
            "signalbox.confidence": decision.signals.confidence,
            "signalbox.rejected": [f"{one.model}:{one.reason}" for one in decision.rejected],
            "signalbox.attempts": [
                f"{one.model}:{one.failure.name if one.failure else 'reply'}" for one in outcome.attempts
            ],
            gen_ai.REQUEST_MODEL: model,
            gen_ai.RESPONSE_MODEL: reply.model_version if reply else None,
            gen_ai.USAGE_INPUT_TOKENS: reply.usage.input_tokens if reply else 0,
            gen_ai.USAGE_OUTPUT_TOKENS: reply.usage.output_tokens if reply else 0,
            "estimated_input_tokens": decision.signals.tokens.value,
            "cost_microusd": outcome.cost_microusd,
            "latency_ms": latency_ms,
            "status": status,
            "error.code": error.code if error else None,
        },
    )
    emit(
        "router",
        {"route": decision.route, "model": model, "outcome": _outcome(error)},
        {
            "requests": 1,
            "errors": 1 if error else 0,
            "latency_ms": latency_ms,
            "cost_microusd": outcome.cost_microusd,
            "attempts": len(outcome.attempts),
            "semantic_confidence": decision.signals.confidence,
        },
        {"caller": who.caller, "request_id": who.request_id},
    )


def record_refusal(request_id: str, error: Exception) -> None:
    """A request that came to no decision. Codes are a closed set, so few metrics come of them."""
    code = error.code if isinstance(error, SignalboxError) else "internal_error"
    status = error.status if isinstance(error, SignalboxError) else 500
    logger.info("refusal", extra={"request_id": request_id, "status": status, "error.code": code})
    dimensions = {"route": "none", "model": "none", "outcome": code}
    emit("router", dimensions, {"requests": 1, "errors": 1}, {"request_id": request_id})


def _outcome(error: SignalboxError | None) -> str:
    return error.code if error else "ok"
