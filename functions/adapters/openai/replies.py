"""Chat Completions' answer → ``AdapterReply``."""

from collections.abc import Mapping

from adapters.openai.wire import ChatCompletion, ChatMessage, ChatUsage, Choice
from signalbox.adapters.logprobs import Odds, TokenOdds, odds
from signalbox.contracts.adapters import AdapterReply, AdapterRequest, FinishReason, Usage
from signalbox.contracts.messages import ToolCall


def from_wire(request: AdapterRequest, body: bytes, headers: Mapping[str, str], latency_ms: int) -> AdapterReply:
    """``body`` of a 200. Raises ``ValidationError`` when it is no such reply."""
    reply = ChatCompletion.model_validate_json(body)
    choice = reply.choices[0]
    message = choice.message
    likely = _odds(choice)
    return AdapterReply(
        model=request.model,
        model_version=reply.model or request.provider_model,
        provider_request_id=headers.get("x-request-id", reply.id),
        text=message.content or "",
        tool_calls=_tool_calls(message),
        refusal=message.refusal,
        finish_reason=_finish(choice),
        usage=_usage(reply.usage),
        cost_microusd=0,
        mean_logprob=likely.mean_logprob,
        min_logprob=likely.min_logprob,
        mean_entropy=likely.mean_entropy,
        latency_ms=latency_ms,
        simulated="x-simulated" in headers,
    )


def _odds(choice: Choice) -> Odds:
    tokens = (choice.logprobs and choice.logprobs.content) or ()
    return odds([TokenOdds(token.logprob, tuple(one.logprob for one in token.top_logprobs or ())) for token in tokens])


def _tool_calls(message: ChatMessage) -> tuple[ToolCall, ...]:
    """Calls in their order; one without an id gets its place as one, so that its result can name it."""
    return tuple(
        ToolCall(id=call.id or f"call_{index}", name=call.function.name, arguments=call.function.arguments)
        for index, call in enumerate(message.tool_calls or ())
    )


def _finish(choice: Choice) -> FinishReason:
    """A refusal is the model's own doing, yet OpenAI calls it a stop; so do some servers a tool call."""
    if choice.message.refusal:
        return "content_filter"
    if choice.finish_reason == "function_call" or (choice.finish_reason == "stop" and choice.message.tool_calls):
        return "tool_calls"
    return choice.finish_reason


def _usage(usage: ChatUsage) -> Usage:
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    return Usage(
        input_tokens=usage.prompt_tokens,
        cached_input_tokens=(prompt and prompt.cached_tokens) or 0,
        cache_write_tokens=(prompt and prompt.cache_write_tokens) or 0,
        output_tokens=usage.completion_tokens,
        reasoning_tokens=(completion and completion.reasoning_tokens) or 0,
    )
