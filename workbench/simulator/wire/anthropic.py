"""Anthropic's Messages API: ``POST /v1/messages``.

Shapes: https://platform.claude.com/docs/en/api/messages and https://platform.claude.com/docs/en/api/errors
"""

import json
import secrets
import string
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from workbench.simulator.exchange import Exchange, Refusal, SimRequest
from workbench.simulator.limits import LimitState
from workbench.simulator.models import Model
from workbench.simulator.tokens import pieces
from workbench.simulator.wire import is_wrong
from workbench.simulator.wire.anthropic_request import invalid
from workbench.simulator.wire.anthropic_request import parse as parse

_KINDS = {
    401: ("authentication_error", "invalid x-api-key"),
    403: ("permission_error", "Your API key does not have permission to use the specified resource."),
    404: ("not_found_error", "Not found"),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed your account's rate limit. Please try again later."),
    500: ("api_error", "Internal server error"),
    504: ("timeout_error", "The request timed out while processing."),
    529: ("overloaded_error", "Overloaded"),
}
_INVALID = ("invalid_request_error", "Invalid request")
_FINISH = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool": "tool_use",
    "stop_sequence": "stop_sequence",
    "window": "model_context_window_exceeded",
    "refusal": "refusal",
}


def new_request_id() -> str:
    return "req_011C" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(20))


def check_key(headers: Mapping[str, str]) -> None:
    key = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
    if not key:
        raise Refusal(401, "x-api-key header is required", "authentication_error")
    if is_wrong(key):
        raise failing(401, None)
    if not headers.get("anthropic-version"):
        raise invalid("anthropic-version: header is required")


def unreadable() -> Refusal:
    return invalid("The request body is not valid JSON")


def unknown_model(model_id: str) -> Refusal:
    return Refusal(404, f"model: {model_id}", "not_found_error")


def overflow(model: Model, input_tokens: int) -> Refusal:
    return invalid(f"prompt is too long: {input_tokens} tokens > {model.window_tokens} maximum")


def unsupported_schema(detail: str) -> Refusal:
    return invalid(f"output_config.format.schema: {detail} is not supported")


def failing(status: int, retry_after_s: float | None) -> Refusal:
    kind, message = _KINDS.get(status) or (("api_error", "Internal server error") if status > 499 else _INVALID)
    return Refusal(status, message, kind, retry_after_s=retry_after_s)


def rate_limited(model: Model, state: LimitState) -> Refusal:
    what = "requests per minute" if state.over == "requests" else "input tokens per minute"
    limit = state.requests_limit if state.over == "requests" else state.tokens_limit
    message = (
        f"This request would exceed your organization's rate limit of {limit:,} {what} (model: {model.id}). For "
        "details, refer to: https://docs.claude.com/en/api/rate-limits. You can see the response headers for current "
        "usage. Please reduce the prompt length or the maximum tokens requested, or try again later."
    )
    return Refusal(429, message, "rate_limit_error", retry_after_s=state.retry_after_s)


def check_window(request: SimRequest, model: Model, input_tokens: int) -> None:
    wanted = request.max_output_tokens or 0
    if wanted > model.output_cap_tokens:
        raise invalid(
            f"max_tokens: {wanted} > {model.output_cap_tokens}, which is the maximum allowed number of output tokens "
            f"for {model.id}"
        )
    if input_tokens > model.window_tokens:
        raise overflow(model, input_tokens)
    if input_tokens + wanted > model.window_tokens and not model.stops_at_window:
        raise invalid(
            f"input length and `max_tokens` exceed context limit: {input_tokens} + {wanted} > {model.window_tokens}, "
            "decrease input length or `max_tokens` and try again"
        )


def render(exchange: Exchange) -> dict[str, Any]:
    reply, ids = exchange.reply, exchange.ids()
    content: list[dict[str, Any]] = []
    if reply.reasoning_tokens:
        content.append({"type": "thinking", "thinking": "", "signature": f"c2ltdWxhdGVk{ids.getrandbits(96):024x}"})
    refused = reply.finish == "refusal"
    if reply.text and not refused:
        content.append({"type": "text", "text": reply.text})
    for call in reply.calls:
        name = f"toolu_01{ids.getrandbits(88):022x}"
        content.append({"type": "tool_use", "id": name, "name": call.name, "input": call.arguments})
    return {
        "id": f"msg_01{ids.getrandbits(88):022x}",
        "type": "message",
        "role": "assistant",
        "model": exchange.model.id,
        "content": content,
        "stop_reason": _FINISH[reply.finish],
        "stop_sequence": reply.stop_sequence,
        "stop_details": {"type": "refusal", "category": None, "explanation": reply.text} if refused else None,
        "usage": {
            "input_tokens": exchange.input_tokens - exchange.cached_tokens - exchange.cache_written_tokens,
            "cache_creation_input_tokens": exchange.cache_written_tokens,
            "cache_read_input_tokens": exchange.cached_tokens,
            "output_tokens": reply.output_tokens + reply.reasoning_tokens,
            "output_tokens_details": {"thinking_tokens": reply.reasoning_tokens},
            "service_tier": "standard",
        },
    }


def stream(exchange: Exchange) -> Iterator[bytes]:
    message = render(exchange)
    content, usage = message["content"], message["usage"]
    ended = {name: message[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
    opened = message | {"content": [], "stop_reason": None, "stop_details": None, "usage": usage | {"output_tokens": 1}}
    yield _event({"type": "message_start", "message": opened})
    for index, block in enumerate(content):
        empty = block | {"text": {"text": ""}, "tool_use": {"input": {}}, "thinking": {"signature": ""}}[block["type"]]
        yield _event({"type": "content_block_start", "index": index, "content_block": empty})
        for delta in _deltas(block):
            yield _event({"type": "content_block_delta", "index": index, "delta": delta})
        yield _event({"type": "content_block_stop", "index": index})
    yield _event({"type": "message_delta", "delta": ended, "usage": {"output_tokens": usage["output_tokens"]}})
    yield _event({"type": "message_stop"})


def _deltas(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if block["type"] == "thinking":
        yield {"type": "signature_delta", "signature": block["signature"]}
    elif block["type"] == "text":
        yield from ({"type": "text_delta", "text": piece} for piece in pieces(block["text"]))
    else:
        yield {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}


def _event(data: dict[str, Any]) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()


def error_body(refusal: Refusal, request_id: str) -> dict[str, Any]:
    error = {"type": refusal.kind, "message": refusal.message}
    return {"type": "error", "error": error, "request_id": request_id}


def headers(request_id: str, state: LimitState | None, refusal: Refusal | None) -> dict[str, str]:
    sent = {"request-id": request_id, "anthropic-organization-id": "00000000-0000-4000-8000-000000000000"}
    if refusal and refusal.retry_after_s is not None:
        sent["retry-after"] = str(max(1, round(refusal.retry_after_s)))
    if state:
        for name, limit, left, reset_s in (
            ("requests", state.requests_limit, state.requests_left, state.requests_reset_s),
            ("input-tokens", state.tokens_limit, state.tokens_left, state.tokens_reset_s),
            ("tokens", state.tokens_limit, state.tokens_left, state.tokens_reset_s),
        ):
            full_at = (datetime.now(UTC) + timedelta(seconds=reset_s)).strftime("%Y-%m-%dT%H:%M:%SZ")
            sent |= {
                f"anthropic-ratelimit-{name}-limit": str(limit),
                f"anthropic-ratelimit-{name}-remaining": str(left),
                f"anthropic-ratelimit-{name}-reset": full_at,
            }
    return sent
