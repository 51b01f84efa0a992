"""The Messages API's errors → the closed set. Source: https://platform.claude.com/docs/en/api/errors."""

import re
from collections.abc import Mapping

from pydantic import ValidationError

from adapters.anthropic.wire import ErrorDetail, ErrorResponse
from signalbox.adapters.overflow import overflow
from signalbox.adapters.retry_after import retry_after_ms
from signalbox.adapters.statuses import by_status
from signalbox.adapters.told import name, told
from signalbox.contracts.adapters import AdapterFailure, AdapterRequest, FailureName

# An account that has to be topped up answers 400; waiting does not help, its owner must act.
_ACCOUNT = re.compile(r"credit balance is too low|reached your specified (?:API )?usage limits", re.IGNORECASE)
_REFUSED = re.compile(r"blocked by content filtering policy", re.IGNORECASE)


def failure(request: AdapterRequest, status: int, headers: Mapping[str, str], body: bytes) -> AdapterFailure:
    """What a ``status`` other than 2xx means. ``headers`` are case-insensitive."""
    error, request_id = _parsed(body)
    over = overflow(error.message) if status in (400, 413) else None
    named = "ContextOverflow" if over else _name(status, error)
    # The refusal of a key may quote it.
    said = "" if status in (401, 403) else told(request, error.message)
    answered = f"anthropic answered {status} {name(error.type)}".strip()
    return AdapterFailure(
        name=named,
        message=f"{answered}: {said}" if said else answered,
        model=request.model,
        status=status,
        provider_request_id=headers.get("request-id", request_id),
        retry_after_ms=retry_after_ms(headers),
        tokens=over.tokens if over else None,
        limit=over.limit if over else None,
    )


def _parsed(body: bytes) -> tuple[ErrorDetail, str | None]:
    try:
        response = ErrorResponse.model_validate_json(body)
    except ValidationError:
        return ErrorDetail(), None  # a proxy's page, or a body cut short: the status has to do
    return response.error, response.request_id


def _name(status: int, error: ErrorDetail) -> FailureName:
    if status == 400 and _ACCOUNT.search(error.message):
        return "AuthenticationFailed"
    if status == 400 and _REFUSED.search(error.message):
        return "ContentRefused"
    return by_status(status)
