"""HTTP answers: JSON and its headers, errors in OpenAI's shape."""

import json
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response

from signalbox.contracts.errors import SignalboxError
from signalbox.dialects import errors

logger = Logger(child=True)


def json_response(body: Mapping[str, Any], request_id: str, headers: Mapping[str, str] | None = None) -> Response[str]:
    """200 with ``body``. OpenAI's SDK shows ``x-request-id`` as the reply's ``_request_id``."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(200, "application/json", text, headers={"x-request-id": request_id, **(headers or {})})


def failed(error: Exception, request_id: str, more: Mapping[str, str] | None = None) -> Response[str]:
    """``error`` in OpenAI's shape. One that nobody foresaw is logged by its type and place, never its words."""
    if not isinstance(error, SignalboxError):
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "unknown"
        logger.error("unforeseen error", extra={"error.type": type(error).__name__, "code.location": place})
    status, headers, body = errors.render(error, request_id)
    return Response(
        status,
        "application/json",
        json.dumps(body),
        headers={"x-request-id": request_id, **headers, **(more or {})},
    )
