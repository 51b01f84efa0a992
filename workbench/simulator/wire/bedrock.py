"""Amazon Bedrock's Converse API: ``POST /model/{modelId}/converse``.

Shapes: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

import re
import uuid
from collections.abc import Mapping
from typing import Any

from workbench.simulator.exchange import Exchange, Refusal, SimRequest
from workbench.simulator.limits import LimitState
from workbench.simulator.models import Model
from workbench.simulator.wire import is_wrong
from workbench.simulator.wire.bedrock_request import invalid
from workbench.simulator.wire.bedrock_request import parse as parse

_STATUS = {
    400: ("ValidationException", "The request is not valid."),
    403: ("AccessDeniedException", "You don't have access to the model with the specified model ID."),
    404: ("ResourceNotFoundException", "Could not find the requested resource."),
    408: ("ModelTimeoutException", "Model has timed out in processing the request. Try your request again."),
    424: (
        "ModelErrorException",
        "The system encountered an unexpected error during processing. Try your request again.",
    ),
    429: ("ThrottlingException", "Too many requests, please wait before trying again."),
    500: (
        "InternalServerException",
        "The system encountered an unexpected error during processing. Try your request again.",
    ),
    503: ("ServiceUnavailableException", "Bedrock is unable to process your request."),
}
_FINISH = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool": "tool_use",
    "stop_sequence": "stop_sequence",
    "window": "model_context_window_exceeded",
    "refusal": "content_filtered",
}


def new_request_id() -> str:
    return str(uuid.uuid4())


def check_key(headers: Mapping[str, str]) -> None:
    given = headers.get("authorization", "")
    if not given:
        raise Refusal(403, "Missing Authentication Token", "MissingAuthenticationTokenException")
    signed = re.search(r"Credential=([^/,\s]+)/", given)
    if is_wrong(signed.group(1) if signed else given.removeprefix("Bearer ")):
        raise Refusal(403, "The security token included in the request is invalid.", "UnrecognizedClientException")


def unreadable() -> Refusal:
    return Refusal(400, "Unable to parse the request body.", "SerializationException")


def unknown_model(model_id: str) -> Refusal:  # noqa: ARG001 - Bedrock does not name it
    return invalid("The provided model identifier is invalid.")


def overflow(model: Model, input_tokens: int) -> Refusal:  # noqa: ARG001 - Bedrock does not count them out
    return invalid("Input is too long for requested model.")


def unsupported_schema(detail: str) -> Refusal:
    return invalid(f"The model returned the following errors: output_config.format.schema: {detail} is not supported")


def failing(status: int, retry_after_s: float | None) -> Refusal:
    kind, message = _STATUS.get(status) or _STATUS[500 if status >= 500 else 400]
    return Refusal(status, message, kind, retry_after_s=retry_after_s)


def rate_limited(model: Model, state: LimitState) -> Refusal:  # noqa: ARG001 - Bedrock tells no more than this
    what = "requests" if state.over == "requests" else "tokens"
    return Refusal(429, f"Too many {what}, please wait before trying again.", "ThrottlingException")


def check_window(request: SimRequest, model: Model, input_tokens: int) -> None:
    if (request.max_output_tokens or 0) > model.output_cap_tokens:
        cap = model.output_cap_tokens
        raise invalid(
            f"The maximum tokens you requested exceeds the model limit of {cap}. Try again with a maximum tokens value "
            f"that is lower than {cap}."
        )
    if input_tokens > model.input_limit_tokens:
        raise overflow(model, input_tokens)


def render(exchange: Exchange) -> dict[str, Any]:
    reply, ids = exchange.reply, exchange.ids()
    content: list[dict[str, Any]] = [{"text": reply.text}] if reply.text or not reply.calls else []
    for call in reply.calls:
        use = {"toolUseId": f"tooluse_{ids.getrandbits(88):022x}", "name": call.name, "input": call.arguments}
        content.append({"toolUse": use})
    output = reply.output_tokens + reply.reasoning_tokens
    usage = {
        "inputTokens": exchange.input_tokens - exchange.cached_tokens - exchange.cache_written_tokens,
        "outputTokens": output,
        "totalTokens": exchange.input_tokens + output,
        "cacheReadInputTokens": exchange.cached_tokens,
        "cacheWriteInputTokens": exchange.cache_written_tokens,
    }
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": _FINISH[reply.finish],
        "usage": usage,
        "metrics": {"latencyMs": exchange.latency_ms},
    }


def error_body(refusal: Refusal, request_id: str) -> dict[str, Any]:  # noqa: ARG001 - the id goes in a header here
    return {"message": refusal.message}


def headers(request_id: str, state: LimitState | None, refusal: Refusal | None) -> dict[str, str]:  # noqa: ARG001
    sent = {"x-amzn-requestid": request_id}
    if refusal:
        sent["x-amzn-errortype"] = f"{refusal.kind}:http://internal.amazon.com/coral/com.amazon.bedrock/"
    return sent
