"""generateContent's errors → the closed set. Source: https://ai.google.dev/gemini-api/docs/troubleshooting."""

import re
from collections.abc import Mapping

from pydantic import ValidationError

from adapters.gemini.wire import ErrorResponse, ErrorStatus
from signalbox.adapters.overflow import Overflow, overflow
from signalbox.adapters.retry_after import retry_after_ms, span_ms
from signalbox.adapters.statuses import by_status
from signalbox.adapters.told import name, told
from signalbox.contracts.adapters import AdapterFailure, AdapterRequest, FailureName

# Beside the form that every provider's phrases are searched for: "the input token count is 1200293
# but model only supports up to 1048576", and forms that leave out the count.
_OVERFLOW = re.compile(
    r"input token count(?: is)?(?: (?P<tokens>\d+))? (?:but model only supports up to|exceeds the maximum number of "
    r"tokens allowed)\D{0,3}(?P<limit>\d+)?"
)


def failure(request: AdapterRequest, status: int, headers: Mapping[str, str], body: bytes) -> AdapterFailure:
    """What a ``status`` other than 2xx means. ``headers`` are case-insensitive."""
    error = _parsed(body)
    over = _overflow(error.message) if status == 400 else None
    named = "ContextOverflow" if over else _name(status, error)
    # The refusal of a key may quote it.
    said = "" if named == "AuthenticationFailed" else _said(request, error)
    answered = f"gemini answered {status} {name(error.status)}".strip()
    return AdapterFailure(
        name=named,
        message=f"{answered}: {said}" if said else answered,
        model=request.model,
        status=status,
        retry_after_ms=_retry_delay_ms(error) or retry_after_ms(headers),
        tokens=over.tokens if over else None,
        limit=over.limit if over else None,
    )


def _parsed(body: bytes) -> ErrorStatus:
    try:
        return ErrorResponse.model_validate_json(body).error
    except ValidationError:
        return ErrorStatus()  # a proxy's page, or a body cut short: the status has to do


def _overflow(message: str) -> Overflow | None:
    if not (found := _OVERFLOW.search(message)):
        return overflow(message)
    tokens, limit = (int(digits) if digits else None for digits in found.group("tokens", "limit"))
    return Overflow(tokens, limit)


def _name(status: int, error: ErrorStatus) -> FailureName:
    if status == 499:  # CANCELLED, by their side
        return "ProviderUnavailable"
    # A wrong key is a 400 here; FAILED_PRECONDITION is an account that may not (billing, region).
    wrong_key = any(detail.reason == "API_KEY_INVALID" for detail in error.details)
    return "AuthenticationFailed" if wrong_key or error.status == "FAILED_PRECONDITION" else by_status(status)


def _said(request: AdapterRequest, error: ErrorStatus) -> str:
    """Its words; where those quote the conversation, the paths of the fields it objects to."""
    if said := told(request, error.message):
        return said
    violations = [violation for detail in error.details for violation in detail.field_violations]
    return ", ".join(path for violation in violations[:3] if (path := name(violation.field)))


def _retry_delay_ms(error: ErrorStatus) -> int | None:
    return next((span_ms(detail.retry_delay) for detail in error.details if detail.retry_delay), None)
