"""Google's Gemini API: ``POST /v1beta/models/{model}:generateContent``.

Shapes: https://ai.google.dev/api/generate-content and https://ai.google.dev/gemini-api/docs/troubleshooting
"""

import base64
import secrets
from collections.abc import Mapping
from typing import Any

from workbench.simulator.exchange import Exchange, Refusal, SimRequest
from workbench.simulator.limits import LimitState
from workbench.simulator.models import Model
from workbench.simulator.wire import is_wrong
from workbench.simulator.wire.gemini_request import invalid
from workbench.simulator.wire.gemini_request import parse as parse

_TYPES = "type.googleapis.com/google.rpc"
_STATUS = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "The caller does not have permission"),
    404: ("NOT_FOUND", "Requested entity was not found."),
    429: ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    500: (
        "INTERNAL",
        "An internal error has occurred. Please retry or report in https://developers.generativeai.google",
    ),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    504: ("DEADLINE_EXCEEDED", "The request timed out. Please try again."),
}
_FINISH = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool": "STOP",
    "stop_sequence": "STOP",
    "window": "MAX_TOKENS",
    "refusal": "SAFETY",
}


def new_request_id() -> str:
    return secrets.token_urlsafe(16)


def check_key(headers: Mapping[str, str]) -> None:
    key = headers.get("x-goog-api-key", "")
    if not key:
        raise Refusal(
            403,
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or "
            "other form of API consumer identity to call this API.",
            "PERMISSION_DENIED",
        )
    if is_wrong(key):
        message = "API key not valid. Please pass a valid API key."
        info = {
            "@type": f"{_TYPES}.ErrorInfo",
            "reason": "API_KEY_INVALID",
            "domain": "googleapis.com",
            "metadata": {"service": "generativelanguage.googleapis.com"},
        }
        local = {"@type": f"{_TYPES}.LocalizedMessage", "locale": "en-US", "message": message}
        raise Refusal(400, message, "INVALID_ARGUMENT", details=[info, local])


def unreadable() -> Refusal:
    return invalid("Invalid JSON payload received. Expected a value.")


def unknown_model(model_id: str) -> Refusal:
    return Refusal(
        404,
        f"models/{model_id} is not found for API version v1beta, or is not supported for generateContent. Call "
        "ListModels to see the list of available models and their supported methods.",
        "NOT_FOUND",
    )


def overflow(model: Model, input_tokens: int) -> Refusal:
    return invalid(
        f"The input token count ({input_tokens}) exceeds the maximum number of tokens allowed ({model.window_tokens})."
    )


def unsupported_schema(detail: str) -> Refusal:
    return invalid(f"* GenerateContentRequest.generation_config.response_schema: {detail} is not supported")


def failing(status: int, retry_after_s: float | None) -> Refusal:
    kind, message = _STATUS.get(status) or _STATUS[500 if status >= 500 else 400]
    details = [_retry_info(retry_after_s)] if retry_after_s is not None else None
    return Refusal(status, message, kind, retry_after_s=retry_after_s, details=details)


def _retry_info(retry_after_s: float) -> dict[str, Any]:
    return {"@type": f"{_TYPES}.RetryInfo", "retryDelay": f"{retry_after_s:g}s"}


def rate_limited(model: Model, state: LimitState) -> Refusal:
    requests = state.over == "requests"
    metric = "generate_content_paid_tier_requests" if requests else "generate_content_paid_tier_input_token_count"
    limit = state.requests_limit if requests else state.tokens_limit
    violation = {
        "quotaMetric": f"generativelanguage.googleapis.com/{metric}",
        "quotaId": "GenerateRequestsPerMinutePerProjectPerModel"
        if requests
        else "GenerateContentInputTokensPerModelPerMinute",
        "quotaDimensions": {"location": "global", "model": model.id},
        "quotaValue": str(limit),
    }
    message = (
        "You exceeded your current quota, please check your plan and billing details. For more information on this "
        "error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.\n* Quota exceeded for metric: "
        f"{violation['quotaMetric']}, limit: {limit}, model: {model.id}\nPlease retry in {state.retry_after_s:.3f}s."
    )
    details = [
        {"@type": f"{_TYPES}.QuotaFailure", "violations": [violation]},
        _retry_info(round(state.retry_after_s, 3)),
    ]
    return Refusal(429, message, "RESOURCE_EXHAUSTED", retry_after_s=state.retry_after_s, details=details)


def check_window(request: SimRequest, model: Model, input_tokens: int) -> None:
    wanted = request.max_output_tokens or 0
    if wanted > model.output_cap_tokens:
        raise invalid(
            f"Unable to submit request because it has a maxOutputTokens value of {wanted} but the supported range is "
            f"from 1 (inclusive) to {model.output_cap_tokens + 1} (exclusive). Update the value and try again."
        )
    if input_tokens > model.input_limit_tokens:
        raise overflow(model, input_tokens)


def render(exchange: Exchange) -> dict[str, Any]:
    reply = exchange.reply
    candidate: dict[str, Any] = {"finishReason": _FINISH[reply.finish], "index": 0}
    if reply.finish != "refusal":  # which is all that is said then
        candidate["content"] = {"parts": _parts(exchange), "role": "model"}
    if exchange.request.logprobs and reply.logprobs:
        candidate |= _logprobs(exchange)
    usage: dict[str, Any] = {
        "promptTokenCount": exchange.input_tokens,
        "candidatesTokenCount": reply.output_tokens,
        "totalTokenCount": exchange.input_tokens + reply.output_tokens + reply.reasoning_tokens,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": exchange.input_tokens}],
    }
    if exchange.cached_tokens:
        usage["cachedContentTokenCount"] = exchange.cached_tokens
    if reply.reasoning_tokens:
        usage["thoughtsTokenCount"] = reply.reasoning_tokens
    return {
        "candidates": [candidate],
        "usageMetadata": usage,
        "modelVersion": exchange.model.id,
        "responseId": exchange.request_id,
    }


def _parts(exchange: Exchange) -> list[dict[str, Any]]:
    """Text, or function calls of which the first carries the signature that thinking models want back."""
    ids, reply = exchange.ids(), exchange.reply
    if not reply.calls:
        return [{"text": reply.text}]
    parts: list[dict[str, Any]] = [
        {"functionCall": {"id": f"{ids.getrandbits(64):016x}", "name": call.name, "args": call.arguments}}
        for call in reply.calls
    ]
    if exchange.request.thinks:
        signature = base64.b64encode(f"simulated:{ids.getrandbits(64):x}".encode()).decode()
        parts[0]["thoughtSignature"] = signature
    return parts


def _logprobs(exchange: Exchange) -> dict[str, Any]:
    tokens = exchange.reply.logprobs
    result: dict[str, Any] = {"chosenCandidates": [_scored(t.token, t.logprob) for t in tokens]}
    if exchange.request.top_logprobs:
        result["topCandidates"] = [{"candidates": [_scored(*other) for other in t.top]} for t in tokens]
    return {"avgLogprobs": sum(t.logprob for t in tokens) / len(tokens), "logprobsResult": result}


def _scored(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logProbability": logprob}


def error_body(refusal: Refusal, request_id: str) -> dict[str, Any]:  # noqa: ARG001 - errors carry no id here
    error: dict[str, Any] = {"code": refusal.status, "message": refusal.message, "status": refusal.kind}
    return {"error": error | ({"details": refusal.details} if refusal.details else {})}


def headers(request_id: str, state: LimitState | None, refusal: Refusal | None) -> dict[str, str]:  # noqa: ARG001
    """None of its own: limits and waits are told in the body (``google.rpc.RetryInfo``)."""
    return {"server": "scaffolding on HTTPServer2"}
