"""generateContent's answer → ``AdapterReply``."""

import json
from collections.abc import Mapping
from itertools import zip_longest

from adapters.gemini.call_ids import encode
from adapters.gemini.wire import Candidate, GenerateContentResponse, UsageMetadata
from signalbox.adapters.logprobs import Odds, TokenOdds, odds
from signalbox.adapters.provider import failed
from signalbox.contracts.adapters import AdapterReply, AdapterRequest, FinishReason, Usage
from signalbox.contracts.messages import ToolCall

# https://ai.google.dev/api/generate-content#FinishReason
_REFUSED = frozenset(
    [
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "MODEL_ARMOR",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
    ]
)
_UNUSABLE = frozenset(
    [
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "MALFORMED_RESPONSE",
    ]
)


def from_wire(request: AdapterRequest, body: bytes, headers: Mapping[str, str], latency_ms: int) -> AdapterReply:
    """``body`` of a 200.

    Raises ``AdapterError``: ContentRefused when the prompt or the whole answer was blocked,
    MalformedReply when there is nothing usable; ``ValidationError`` when it is no such reply.
    """
    reply = GenerateContentResponse.model_validate_json(body)
    if reply.prompt_feedback.block_reason:
        raise failed(request, "ContentRefused", f"the prompt was blocked: {reply.prompt_feedback.block_reason}")
    if not reply.candidates or reply.usage_metadata is None:
        missing = "usageMetadata" if reply.candidates else "candidates"
        raise failed(request, "MalformedReply", f"the reply has no {missing}")
    candidate = reply.candidates[0]
    text = "".join(part.text or "" for part in candidate.content.parts if not part.thought)
    calls = _tool_calls(candidate, reply.response_id or request.request_id)
    finish = _finish(request, candidate.finish_reason, bool(text), bool(calls))
    refused = finish == "content_filter"
    likely = _odds(candidate)
    return AdapterReply(
        model=request.model,
        model_version=reply.model_version or request.provider_model,
        provider_request_id=reply.response_id,
        text="" if refused else text,
        tool_calls=() if refused else calls,
        refusal=text if refused else None,
        finish_reason=finish,
        usage=_usage(reply.usage_metadata),
        cost_microusd=0,
        mean_logprob=candidate.avg_logprobs if likely.mean_logprob is None else likely.mean_logprob,
        min_logprob=likely.min_logprob,
        mean_entropy=likely.mean_entropy,
        latency_ms=latency_ms,
        simulated="x-simulated" in headers,
    )


def _odds(candidate: Candidate) -> Odds:
    result = candidate.logprobs_result
    tops = ([one.log_probability for one in top.candidates] for top in result.top_candidates)
    pairs = zip_longest((token.log_probability for token in result.chosen_candidates), tops)
    return odds([TokenOdds(chosen, tuple(top or ())) for chosen, top in pairs if chosen is not None])


def _tool_calls(candidate: Candidate, reply_id: str) -> tuple[ToolCall, ...]:
    calls = ((part.function_call, part.thought_signature) for part in candidate.content.parts if part.function_call)
    return tuple(
        ToolCall(
            id=encode(call, signature, reply_id, index),
            name=call.name,
            arguments=json.dumps(call.args, ensure_ascii=False),
        )
        for index, (call, signature) in enumerate(calls)
    )


def _finish(request: AdapterRequest, reason: str, has_text: bool, has_calls: bool) -> FinishReason:
    if reason in _REFUSED:
        if not has_text:
            raise failed(request, "ContentRefused", f"the answer was withheld: {reason}")
        return "content_filter"
    if reason == "MAX_TOKENS":
        return "length"
    if reason in _UNUSABLE or not (has_text or has_calls):
        raise failed(request, "MalformedReply", f"the reply has no usable content: {reason}")
    return "tool_calls" if has_calls else "stop"


def _usage(usage: UsageMetadata) -> Usage:
    return Usage(
        input_tokens=usage.prompt_token_count + usage.tool_use_prompt_token_count,
        cached_input_tokens=usage.cached_content_token_count,
        output_tokens=usage.candidates_token_count + usage.thoughts_token_count,
        reasoning_tokens=usage.thoughts_token_count,
    )
