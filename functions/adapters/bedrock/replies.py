"""Converse's answer → ``AdapterReply``."""

import json
from collections.abc import Mapping

from adapters.bedrock.json_answer import by_tool
from adapters.bedrock.wire import ContentBlock, ConverseResponse, TokenUsage
from signalbox.adapters.provider import failed
from signalbox.contracts.adapters import AdapterReply, AdapterRequest, FinishReason, Usage
from signalbox.contracts.messages import ToolCall

_REFUSED = frozenset(("guardrail_intervened", "content_filtered"))
_CUT_OFF = frozenset(("max_tokens", "model_context_window_exceeded"))
_UNUSABLE = frozenset(("malformed_model_output", "malformed_tool_use"))


def from_wire(request: AdapterRequest, body: bytes, headers: Mapping[str, str], latency_ms: int) -> AdapterReply:
    """``body`` of a 200. ``headers`` are case-insensitive.

    Raises ``AdapterError``: ContentRefused when everything was withheld, MalformedReply when
    there is nothing usable; ``ValidationError`` when it is no such reply.
    """
    reply = ConverseResponse.model_validate_json(body)
    blocks = reply.output.message.content
    text = "".join(block.text or "" for block in blocks)
    calls = _tool_calls(blocks)
    if by_tool(request) and calls:
        text, calls = calls[0].arguments, ()  # what the tool was to be called with is the answer
    finish = _finish(request, reply.stop_reason, bool(text), bool(calls))
    refused = finish == "content_filter"
    return AdapterReply(
        model=request.model,
        model_version=reply.trace.prompt_router.invoked_model_id or request.provider_model,
        provider_request_id=headers.get("x-amzn-requestid"),
        text="" if refused else text,
        tool_calls=() if refused else calls,
        refusal=text if refused else None,
        finish_reason=finish,
        usage=_usage(reply.usage),
        cost_microusd=0,
        latency_ms=latency_ms,
        simulated="x-simulated" in headers,
    )


def _tool_calls(blocks: tuple[ContentBlock, ...]) -> tuple[ToolCall, ...]:
    uses = [block.tool_use for block in blocks if block.tool_use]
    return tuple(
        ToolCall(id=use.tool_use_id, name=use.name, arguments=json.dumps(use.input, ensure_ascii=False)) for use in uses
    )


def _finish(request: AdapterRequest, reason: str, has_text: bool, has_calls: bool) -> FinishReason:
    if reason in _REFUSED:
        if not has_text:
            raise failed(request, "ContentRefused", f"the answer was withheld: {reason}")
        return "content_filter"
    if reason in _CUT_OFF:
        return "length"
    if reason in _UNUSABLE or not (has_text or has_calls):
        raise failed(request, "MalformedReply", f"the reply has no usable content: {reason}")
    return "tool_calls" if has_calls else "stop"


def _usage(usage: TokenUsage) -> Usage:
    return Usage(
        input_tokens=usage.input_tokens + usage.cache_read_input_tokens + usage.cache_write_input_tokens,
        cached_input_tokens=usage.cache_read_input_tokens,
        cache_write_tokens=usage.cache_write_input_tokens,
        output_tokens=usage.output_tokens,
    )
