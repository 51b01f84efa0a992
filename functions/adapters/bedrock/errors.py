"""Bedrock's errors → the closed set.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors.
"""

import re
from collections.abc import Mapping

from pydantic import ValidationError

from adapters.bedrock.wire import ErrorResponse
from signalbox.adapters.overflow import Overflow, overflow
from signalbox.adapters.retry_after import retry_after_ms
from signalbox.adapters.statuses import by_status
from signalbox.adapters.told import name, told
from signalbox.contracts.adapters import AdapterFailure, AdapterRequest, FailureName

# Beside the phrases that are searched for whoever the provider is; Bedrock passes on its models' own.
_OVERFLOW = re.compile(
    r"Too many input tokens\. Max input tokens: (?P<limit>\d+), request input token count: (?P<tokens>\d+)"
)
_NAMES: dict[str, FailureName] = {
    "ThrottlingException": "RateLimited",
    "ServiceQuotaExceededException": "RateLimited",
    "ModelNotReadyException": "ProviderUnavailable",  # a 429 that is no limit of the caller's
    "ModelTimeoutException": "ProviderUnavailable",
    "ModelErrorException": "ProviderUnavailable",
    "ServiceUnavailableException": "ProviderUnavailable",
    "InternalServerException": "ProviderUnavailable",
    "AccessDeniedException": "AuthenticationFailed",
    "UnrecognizedClientException": "AuthenticationFailed",
    "InvalidSignatureException": "AuthenticationFailed",
    "IncompleteSignatureException": "AuthenticationFailed",
    "MissingAuthenticationTokenException": "AuthenticationFailed",
    "ExpiredTokenException": "AuthenticationFailed",
    "ResourceNotFoundException": "InvalidRequest",
    "ValidationException": "InvalidRequest",
}


def failure(request: AdapterRequest, status: int, headers: Mapping[str, str], body: bytes) -> AdapterFailure:
    """What a ``status`` other than 2xx means. ``headers`` are case-insensitive."""
    error = _parsed(body)
    code = error_code(headers, error)
    message = error.message or error.Message or ""
    failed_as = _NAMES.get(code) or by_status(status)
    # Throttling says "Too many tokens" too; only a refused request can be too long.
    over = _overflow(message) if failed_as == "InvalidRequest" else None
    # Who may not do what is the account's own business: such messages hold ARNs.
    said = "" if failed_as == "AuthenticationFailed" else told(request, message)
    answered = f"bedrock answered {status} {name(code)}".strip()
    return AdapterFailure(
        name="ContextOverflow" if over else failed_as,
        message=f"{answered}: {said}" if said else answered,
        model=request.model,
        status=status,
        provider_request_id=headers.get("x-amzn-requestid"),
        retry_after_ms=retry_after_ms(headers),
        tokens=over.tokens if over else None,
        limit=over.limit if over else None,
    )


def error_code(headers: Mapping[str, str], error: ErrorResponse) -> str:
    """Such as ``ThrottlingException``: of ``namespace#Code:https://…`` only the code."""
    stated = headers.get("x-amzn-errortype") or error.type_ or error.code or ""
    return stated.partition(":")[0].rpartition("#")[2]


def _parsed(body: bytes) -> ErrorResponse:
    try:
        return ErrorResponse.model_validate_json(body)
    except ValidationError:
        return ErrorResponse()  # a proxy's page, or a body cut short: header and status have to do


def _overflow(message: str) -> Overflow | None:
    if found := _OVERFLOW.search(message):
        return Overflow(int(found["tokens"]), int(found["limit"]))
    return overflow(message)
