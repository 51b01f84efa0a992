"""One step of a plan, as the state machine asks for it. What stops a step is raised: its class is the error's name."""

import gc

# Loading throws nothing away: looking for garbage meanwhile is a tenth of the cold start.
gc.disable()

from collections.abc import Callable
from typing import Any, Literal

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict

from cascade.notify import notify
from cascade.record import record
from cascade.services import Services, services
from signalbox.contracts.plans import Conclusion, StepResult
from signalbox.execution.cascade.carry import Named, carry, told
from signalbox.execution.cascade.failures import JobUnknown, StateUnavailable, StepFailed
from signalbox.execution.cascade.settle import end
from signalbox.transport.dynamodb import StoreUnavailable
from signalbox.transport.ends import ending_in
from signalbox.webhooks.deliver import WebhookFailed

logger = Logger(service="cascade")
# For what is left to do when the time is up: putting the failure on record.
MARGIN_MS = 1_500


class Asked(BaseModel):
    """A Task state's payload. Its times and prices are for those who look at an execution; the job has its own."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    step: Literal["fast_pass", "judge", "verify", "escalate", "integrity", "settle", "notify"]
    ordinal: int = 1
    caller: str
    request_id: str


@logger.inject_lambda_context(log_event=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """What the next state goes by. Raises ``StepFailed`` by its names, and ``WebhookFailed``."""
    asked = Asked.model_validate(event)
    with ending_in(max(1, context.get_remaining_time_in_millis() - MARGIN_MS)):
        try:
            return _STEPS.get(asked.step, _step)(asked, services())
        except (StepFailed, WebhookFailed) as failed:
            # Names and figures; a failed step's message has no more.
            logger.warning("step failed", extra=_named(asked) | {"error.type": type(failed).__name__})
            raise


def _step(asked: Asked, known: Services) -> dict[str, Any]:
    one = Named(asked.caller, asked.request_id, asked.step, asked.ordinal)  # type: ignore[arg-type]
    result = carry(one, known.replies, known.tools)
    logger.info("step", extra=_named(asked) | _figures(result))
    return told(result)


def _settle(asked: Asked, known: Services) -> dict[str, Any]:
    try:
        progress = known.replies.progress(asked.caller, asked.request_id)
        if progress is None:
            raise JobUnknown("there is no such job")
        conclusion = end(progress, known.replies, known.ledger, known.receipts, known.tools.clock)
    except StoreUnavailable as error:
        raise StateUnavailable(str(error)) from None
    record(progress, conclusion, known.tools.clock.now_ms() - progress.job.arrived_at_ms)
    webhook = progress.job.decision.terms.webhook is not None
    return {"status": _status(conclusion), "resolution": conclusion.resolution, "webhook": webhook}


def _notify(asked: Asked, known: Services) -> dict[str, Any]:
    try:
        notify(asked.caller, asked.request_id, known)
    except StoreUnavailable as error:
        raise StateUnavailable(str(error)) from None
    return {"status": 200}


_STEPS: dict[str, Callable[[Asked, Services], dict[str, Any]]] = {"settle": _settle, "notify": _notify}


def _status(conclusion: Conclusion) -> int:
    return conclusion.failure.status if conclusion.failure else 200


def _named(asked: Asked) -> dict[str, Any]:
    return {"step": asked.step, "ordinal": asked.ordinal, "caller": asked.caller, "request_id": asked.request_id}


def _figures(result: StepResult) -> dict[str, Any]:
    return {
        "verdict": result.verdict,
        "resolution": result.resolution,
        "confidence": result.confidence.value if result.confidence else None,
        "cost_microusd": result.spent_microusd,
        "attempts": [f"{one.model}:{one.failure or 'reply'}" for one in result.attempts],
    }


gc.freeze()  # what is loaded stays
gc.enable()
