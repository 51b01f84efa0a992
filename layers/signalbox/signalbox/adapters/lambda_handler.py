"""What AWS invokes: one request in, one result out, one log line and one set of metrics."""

import os
import traceback
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from pydantic import ValidationError

from signalbox.adapters.clock import SystemClock
from signalbox.adapters.provider import Provider, failed
from signalbox.adapters.run import run
from signalbox.adapters.settings import AdapterSettings
from signalbox.contracts.adapters import AdapterFailure, AdapterRequest, AdapterResult
from signalbox.pricing.table import load_prices
from signalbox.receipts.leave import ReceiptBook
from signalbox.telemetry import gen_ai
from signalbox.telemetry.metrics import emit
from signalbox.transport.aws import service_url
from signalbox.transport.dynamodb import DynamoDB

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
SERVICE = "adapter"


def adapter_handler(make_provider: Callable[[AdapterSettings], Provider]) -> Handler:
    """The handler of one Lambda per model. ``make_provider`` is called at the first request, once a process."""
    logger = Logger(service=SERVICE)

    @cache
    def ready() -> tuple[AdapterSettings, Provider, ReceiptBook | None]:
        settings = AdapterSettings.read(os.environ)
        return settings, make_provider(settings), _receipts(settings, logger)

    @logger.inject_lambda_context(clear_state=True, log_event=False)
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - the logger reads it
        settings, provider, receipts = ready()
        try:
            request = AdapterRequest.model_validate(event)
        except ValidationError as error:
            result = _unreadable(error, settings)
            logger.error("not an adapter request", extra={gen_ai.ERROR_TYPE: "InvalidRequest"})
            return result.model_dump(mode="json")
        logger.set_correlation_id(request.request_id)
        result = _answer(provider, request, settings, logger)
        if receipts and result.reply:
            receipts.leave(request, result.reply)
        _report(provider, request, result, logger)
        return result.model_dump(mode="json")

    return handler


def _receipts(settings: AdapterSettings, logger: Logger) -> ReceiptBook | None:
    if not settings.receipts_table:
        return None
    dynamodb = DynamoDB(settings.region, service_url("dynamodb", settings.region))

    def lost(why: str) -> None:
        logger.error("no receipt", extra={gen_ai.ERROR_TYPE: why})

    return ReceiptBook(dynamodb, settings.receipts_table, lost)


def _answer(provider: Provider, request: AdapterRequest, settings: AdapterSettings, logger: Logger) -> AdapterResult:
    if request.model != settings.roster_model:
        wrong = failed(request, "InvalidRequest", f"this adapter serves {settings.roster_model}, not {request.model}")
        return AdapterResult(failure=wrong.failure)
    try:
        return run(provider, request, SystemClock(), load_prices().cost_microusd)
    except Exception as error:  # noqa: BLE001 - the last resort, so that the reason reaches the router as data
        # The frames without the exception's own text: that may quote the conversation.
        where = traceback.format_tb(error.__traceback__)
        logger.error("the adapter broke", extra={gen_ai.ERROR_TYPE: type(error).__name__, "frames": where})
        broke = failed(request, "ProviderUnavailable", f"the adapter broke ({type(error).__name__})")
        return AdapterResult(failure=broke.failure)


def _unreadable(error: ValidationError, settings: AdapterSettings) -> AdapterResult:
    places = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors())[:200]
    message = f"not an adapter request: {places}"
    return AdapterResult(failure=AdapterFailure(name="InvalidRequest", message=message, model=settings.roster_model))


def _report(provider: Provider, request: AdapterRequest, result: AdapterResult, logger: Logger) -> None:
    """Numbers and names only: never what was said, never a key."""
    fields, values = gen_ai.call_fields(provider.name, request, result), _values(result)
    logger.info("model call", extra={**fields, "route": request.route, "caller": request.caller, **values})
    outcome = result.failure.name if result.failure else "ok"
    dimensions = {"route": request.route, "model": request.model, "outcome": outcome}
    emit(SERVICE, dimensions, values, {"caller": request.caller, "request_id": request.request_id})


def _values(result: AdapterResult) -> Mapping[str, int]:
    """The metrics of one call. A reply comes whole, so the first of it arrives when all of it does."""
    if result.reply is None:
        latency_ms = result.failure.latency_ms if result.failure else 0
        return {"adapter_requests": 1, "errors": 1, "latency_ms": latency_ms}
    reply, usage = result.reply, result.reply.usage
    return {
        "adapter_requests": 1,
        "errors": 0,
        "latency_ms": reply.latency_ms,
        "time_to_first_reply_ms": reply.latency_ms,
        "cost_microusd": reply.cost_microusd,
        "input_tokens": usage.input_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
        "output_tokens": usage.output_tokens,
    }
