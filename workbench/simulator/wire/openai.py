"""OpenAI's Chat Completions API: ``POST /v1/chat/completions`` and ``GET /v1/models``.

Shapes: https://platform.openai.com/docs/api-reference/chat and https://platform.openai.com/docs/guides/error-codes
"""

import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from workbench.simulator.exchange import Exchange, Refusal, SimRequest, TokenLogprob
from workbench.simulator.limits import LimitState
from workbench.simulator.models import Model
from workbench.simulator.tokens import pieces
from workbench.simulator.wire import is_wrong
from workbench.simulator.wire.openai_request import invalid
from workbench.simulator.wire.openai_request import parse as parse

_MESSAGES = {
    401: "Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.",
    403: "Country, region, or territory not supported",
    429: "Rate limit reached. Please try again later.",
    500: "The server had an error while processing your request. Sorry about that!",
    503: (
        "The server is currently overloaded with other requests. Sorry about that! You can retry your request, or "
        "contact us through our help center at help.openai.com if the error persists."
    ),
}
_FINISH = {
    "stop": "stop",
    "length": "length",
    "tool": "tool_calls",
    "stop_sequence": "stop",
    "window": "length",
    "refusal": "stop",
}
_ORGANIZATION = "org-simulated"


def new_request_id() -> str:
    return "req_" + secrets.token_hex(16)


def check_key(headers: Mapping[str, str]) -> None:
    key = headers.get("authorization", "").removeprefix("Bearer").strip()
    if not key:
        raise Refusal(
            401,
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer "
            "auth (i.e. Authorization: Bearer YOUR_KEY).",
            "invalid_request_error",
        )
    if is_wrong(key):
        raise failing(401, None)


def unreadable() -> Refusal:
    return invalid("We could not parse the JSON body of your request. The OpenAI API expects a JSON payload.")


def unknown_model(model_id: str) -> Refusal:
    message = f"The model `{model_id}` does not exist or you do not have access to it."
    return Refusal(404, message, "invalid_request_error", code="model_not_found")


def overflow(model: Model, input_tokens: int) -> Refusal:
    if model.input_cap_tokens:
        limit = f"Input tokens exceed the configured limit of {model.input_cap_tokens} tokens. Your messages"
    else:
        limit = f"This model's maximum context length is {model.window_tokens} tokens. However, your messages"
    message = f"{limit} resulted in {input_tokens} tokens. Please reduce the length of the messages."
    return invalid(message, "messages", "context_length_exceeded")


def unsupported_schema(detail: str) -> Refusal:
    return invalid(f"Invalid schema for response_format: {detail} is not permitted.", "response_format")


def failing(status: int, retry_after_s: float | None) -> Refusal:
    kind = "server_error" if status >= 500 else "requests" if status == 429 else "invalid_request_error"
    code = {401: "invalid_api_key", 403: "unsupported_country_region_territory", 429: "rate_limit_exceeded"}.get(status)
    message = _MESSAGES.get(status) or (_MESSAGES[500] if status >= 500 else "Invalid request.")
    return Refusal(status, message, kind, code=code, retry_after_s=retry_after_s)


def rate_limited(model: Model, state: LimitState) -> Refusal:
    requests = state.over == "requests"
    limit, left = (state.requests_limit, state.requests_left) if requests else (state.tokens_limit, state.tokens_left)
    what = "requests per min (RPM)" if requests else "tokens per min (TPM)"
    head = f"for {model.id} in organization {_ORGANIZATION} on {what}: Limit {limit}"
    if state.requested > limit:
        message = f"Request too large {head}, Requested {state.requested}. The input or output tokens must be reduced "
        message += "in order to run successfully."
    else:
        message = f"Rate limit reached {head}, Used {limit - left}, Requested {state.requested}. Please try again in "
        message += f"{state.retry_after_s:.3f}s."
    message += " Visit https://platform.openai.com/account/rate-limits to learn more."
    kind = "requests" if requests else "tokens"
    return Refusal(429, message, kind, code="rate_limit_exceeded", retry_after_s=state.retry_after_s)


def check_window(request: SimRequest, model: Model, input_tokens: int) -> None:
    wanted = request.max_output_tokens or 0
    if wanted > model.output_cap_tokens:
        name = "max_completion_tokens" if "max_tokens" in model.refuses else "max_tokens"
        raise invalid(
            f"{name} is too large: {wanted}. This model supports at most {model.output_cap_tokens} completion tokens, "
            f"whereas you provided {wanted}.",
            name,
            "invalid_value",
        )
    if input_tokens > model.input_limit_tokens:
        raise overflow(model, input_tokens)
    if input_tokens + wanted > model.window_tokens:
        raise invalid(
            f"This model's maximum context length is {model.window_tokens} tokens. However, you requested "
            f"{input_tokens + wanted} tokens ({input_tokens} in the messages, {wanted} in the completion). Please "
            "reduce the length of the messages or completion.",
            "messages",
            "context_length_exceeded",
        )


def render(exchange: Exchange) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{exchange.ids().getrandbits(112):028x}",
        "object": "chat.completion",
        "created": exchange.created_s,
        "model": exchange.model.id,
        "choices": [
            {
                "index": 0,
                "message": _message(exchange),
                "logprobs": _logprobs(exchange.reply.logprobs) if exchange.request.logprobs else None,
                "finish_reason": _FINISH[exchange.reply.finish],
            }
        ],
        "usage": _usage(exchange),
        "service_tier": "default",
        "system_fingerprint": "simulated",
    }


def _message(exchange: Exchange) -> dict[str, Any]:
    reply, ids = exchange.reply, exchange.ids()
    calls = [
        {
            "id": f"call_{ids.getrandbits(96):024x}",
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)},
        }
        for call in reply.calls
    ]
    refused = reply.text if reply.finish == "refusal" else None
    content = None if calls or refused else reply.text
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": refused, "annotations": []}
    return message | ({"tool_calls": calls} if calls else {})


def _usage(exchange: Exchange) -> dict[str, Any]:
    output = exchange.reply.output_tokens + exchange.reply.reasoning_tokens
    return {
        "prompt_tokens": exchange.input_tokens,
        "completion_tokens": output,
        "total_tokens": exchange.input_tokens + output,
        "prompt_tokens_details": {
            "cached_tokens": exchange.cached_tokens,
            "cache_write_tokens": exchange.cache_written_tokens,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": exchange.reply.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _logprobs(tokens: tuple[TokenLogprob, ...]) -> dict[str, Any]:
    def entry(token: str, logprob: float) -> dict[str, Any]:
        return {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "replace"))}

    return {
        "content": [
            entry(t.token, t.logprob) | {"top_logprobs": [entry(token, value) for token, value in t.top]}
            for t in tokens
        ],
        "refusal": None,
    }


def stream(exchange: Exchange) -> Iterator[bytes]:
    whole = render(exchange)
    choice, message = whole["choices"][0], whole["choices"][0]["message"]
    base = {name: whole[name] for name in ("id", "created", "model", "service_tier", "system_fingerprint")}
    base |= {"object": "chat.completion.chunk"} | ({"usage": None} if exchange.request.stream_usage else {})

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
        return _event(base | {"choices": choices})

    yield chunk({"role": "assistant", "content": None if message["content"] is None else "", "refusal": None})
    for index, call in enumerate(message.get("tool_calls", ())):
        yield chunk({"tool_calls": [{"index": index, **call}]})
    for piece in pieces(message["content"] or ""):
        yield chunk({"content": piece})
    for piece in pieces(message["refusal"] or ""):
        yield chunk({"refusal": piece})
    yield chunk({}, choice["finish_reason"])
    if exchange.request.stream_usage:
        yield _event(base | {"choices": [], "usage": whole["usage"]})
    yield b"data: [DONE]\n\n"


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def model_list(models: list[Model], created_s: int) -> dict[str, Any]:
    """The body of ``GET /v1/models``."""
    data = [{"id": model.id, "object": "model", "created": created_s, "owned_by": "system"} for model in models]
    return {"object": "list", "data": data}


def error_body(refusal: Refusal, request_id: str) -> dict[str, Any]:  # noqa: ARG001 - the id goes in a header here
    return {
        "error": {
            "message": refusal.message,
            "type": refusal.kind,
            "param": refusal.param,
            "code": refusal.code,
        }
    }


def headers(request_id: str, state: LimitState | None, refusal: Refusal | None) -> dict[str, str]:
    sent = {"x-request-id": request_id, "openai-organization": _ORGANIZATION, "openai-version": "2020-10-01"}
    if refusal and refusal.retry_after_s is not None:
        sent["retry-after-ms"] = str(round(refusal.retry_after_s * 1000))
        sent["retry-after"] = str(max(1, round(refusal.retry_after_s)))
    if state:
        sent |= {
            "x-ratelimit-limit-requests": str(state.requests_limit),
            "x-ratelimit-remaining-requests": str(state.requests_left),
            "x-ratelimit-reset-requests": f"{round(state.requests_reset_s * 1000)}ms",
            "x-ratelimit-limit-tokens": str(state.tokens_limit),
            "x-ratelimit-remaining-tokens": str(state.tokens_left),
            "x-ratelimit-reset-tokens": f"{round(state.tokens_reset_s * 1000)}ms",
        }
    return sent
