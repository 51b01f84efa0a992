"""The Messages API's answer → ``AdapterReply``."""

import json
from collections.abc import Mapping

from adapters.anthropic.wire import MessageResponse, MessageUsage, TextBlock, ToolUseBlock
from signalbox.adapters.provider import failed
from signalbox.contracts.adapters import AdapterReply, AdapterRequest, FinishReason, Usage
from signalbox.contracts.messages import ToolCall

_FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def from_wire(request: AdapterRequest, body: bytes, headers: Mapping[str, str], latency_ms: int) -> AdapterReply:
    """``body`` of a 200. Raises ``ValidationError`` when it is no such reply, ``AdapterError`` for a mere pause."""
    reply = MessageResponse.model_validate_json(body)
    if reply.stop_reason == "pause_turn":  # server-side tools only, which are never asked for
        raise failed(request, "MalformedReply", "the reply is a pause, not an answer")
    finish = _FINISH[reply.stop_reason]
    text = "".join(block.text for block in reply.content if isinstance(block, TextBlock))
    calls = tuple(
        ToolCall(id=block.id, name=block.name, arguments=json.dumps(block.input, ensure_ascii=False))
        for block in reply.content
        if isinstance(block, ToolUseBlock)
    )
    refused = finish == "content_filter"
    explained = reply.stop_details.explanation if reply.stop_details else None
    return AdapterReply(
        model=request.model,
        model_version=reply.model,
        provider_request_id=headers.get("request-id", reply.id),
        text="" if refused else text,
        tool_calls=() if refused else calls,
        refusal=(text or explained or "The model declined to answer.") if refused else None,
        finish_reason=finish,
        usage=_usage(reply.usage),
        cost_microusd=0,
        latency_ms=latency_ms,
        simulated="x-simulated" in headers,
    )


def _usage(usage: MessageUsage) -> Usage:
    read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    return Usage(
        input_tokens=usage.input_tokens + read + written,
        cached_input_tokens=read,
        cache_write_tokens=written,
        output_tokens=usage.output_tokens,
        reasoning_tokens=usage.output_tokens_details.thinking_tokens if usage.output_tokens_details else 0,
    )
