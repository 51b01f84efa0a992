"""Chat Completions' errors → the closed set.

Sources: https://developers.openai.com/api/docs/guides/error-codes, Azure's content filter
documentation, and the servers of vLLM, llama.cpp and Ollama.
"""

from collections.abc import Mapping

from pydantic import ValidationError

from adapters.openai.wire import ErrorDetail, ErrorResponse
from signalbox.adapters.overflow import Overflow, overflow
from signalbox.adapters.retry_after import retry_after_ms
from signalbox.adapters.statuses import by_status
from signalbox.adapters.told import name, told
from signalbox.contracts.adapters import AdapterFailure, AdapterRequest, FailureName

_OVERFLOW = ("context_length_exceeded", "exceed_context_size_error")
_REFUSED = ("content_filter", "content_policy_violation", "invalid_prompt", "moderation_blocked")
# A 429 that no waiting helps: the account is out of credit, and only its owner can mend that.
_ACCOUNT = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")


def failure(request: AdapterRequest, status: int, headers: Mapping[str, str], body: bytes) -> AdapterFailure:
    """What a ``status`` other than 2xx means. ``headers`` are case-insensitive."""
    error = _parsed(body)
    over = _overflow(status, error)
    # The refusal of a key quotes part of it.
    said = "" if status in (401, 403) else told(request, error.message)
    answered = " ".join(filter(None, (f"openai answered {status}", name(str(error.code or error.type or "")))))
    at = f" at {name(error.param)}" if name(error.param) else ""
    return AdapterFailure(
        name="ContextOverflow" if over else _name(status, error),
        message=f"{answered}{at}: {said}" if said else f"{answered}{at}",
        model=request.model,
        status=status,
        provider_request_id=headers.get("x-request-id"),
        retry_after_ms=retry_after_ms(headers),
        tokens=over.tokens if over else None,
        limit=over.limit if over else None,
    )


def _parsed(body: bytes) -> ErrorDetail:
    """The error inside ``error``, as its text alone, or flat (older vLLM); nothing when it is none of these."""
    try:
        error = ErrorResponse.model_validate_json(body).error
        return ErrorDetail(message=error) if isinstance(error, str) else error
    except ValidationError:
        pass
    try:
        return ErrorDetail.model_validate_json(body)
    except ValidationError:
        return ErrorDetail()  # a proxy's page, or a body cut short: the status has to do


def _overflow(status: int, error: ErrorDetail) -> Overflow | None:
    if status not in (400, 413, 422, 500):
        return None
    found = overflow(error.message)
    if found is None and not {error.code, error.type} & set(_OVERFLOW):
        return None
    found = found or Overflow()
    return Overflow(found.tokens or error.n_prompt_tokens, found.limit or error.n_ctx)


def _name(status: int, error: ErrorDetail) -> FailureName:
    codes = {error.code, error.type}
    if status == 400 and codes & set(_REFUSED):
        return "ContentRefused"
    if status == 429 and codes & set(_ACCOUNT):
        return "AuthenticationFailed"
    return by_status(status)
