"""What OpenAI's SDK is answered with: a completion, the same as server-sent events, the list of models."""

import json
import time
from collections.abc import Mapping
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from signalbox.contracts.adapters import AdapterReply, FinishReason, Usage
from signalbox.contracts.errors import NotFound
from signalbox.contracts.messages import ToolCall
from signalbox.contracts.requests import InferenceRequest
from signalbox.policy.resolved import Policy


class FunctionReply(TypedDict):
    name: str
    arguments: str


class ToolCallReply(TypedDict):
    id: str
    type: Literal["function"]
    function: FunctionReply


class AssistantMessage(TypedDict):
    role: Literal["assistant"]
    content: str | None
    refusal: str | None
    tool_calls: NotRequired[list[ToolCallReply]]


class CompletionChoice(TypedDict):
    index: int
    message: AssistantMessage
    logprobs: None
    finish_reason: FinishReason


class PromptDetails(TypedDict):
    cached_tokens: int
    cache_write_tokens: int


class CompletionDetails(TypedDict):
    reasoning_tokens: int


class CompletionUsage(TypedDict):
    """In tokens, as the provider bills them."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails
    completion_tokens_details: CompletionDetails


class ChatCompletion(TypedDict):
    """``model`` is the exact version that answered; ``signalbox`` says why it was chosen."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: CompletionUsage
    signalbox: dict[str, Any]


class ModelEntry(TypedDict):
    """``created`` is 0: nobody knows. ``shutdown_date`` is the model's retirement, ISO 8601."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    shutdown_date: NotRequired[str]


class ModelList(TypedDict):
    object: Literal["list"]
    data: list[ModelEntry]


def render(
    request: InferenceRequest,
    reply: AdapterReply,
    extras: Mapping[str, Any],
    *,
    request_id: str | None = None,
    created: int | None = None,
) -> ChatCompletion:
    """The completion. ``extras`` become its ``signalbox`` object; ``created`` is Unix seconds, now by default.

    ``request_id``: of the request that the model was asked for, where that is another one.
    """
    message = AssistantMessage(role="assistant", content=_content(reply), refusal=reply.refusal)
    if reply.tool_calls:
        message["tool_calls"] = [_tool_call(call) for call in reply.tool_calls]
    return ChatCompletion(
        id=_completion_id(request_id or request.request_id),
        object="chat.completion",
        created=_seconds(created),
        model=reply.model_version,
        choices=[CompletionChoice(index=0, message=message, logprobs=None, finish_reason=reply.finish_reason)],
        usage=_usage(reply.usage),
        signalbox=dict(extras),
    )


def render_stream(
    request: InferenceRequest,
    reply: AdapterReply,
    extras: Mapping[str, Any],
    *,
    request_id: str | None = None,
    created: int | None = None,
) -> str:
    """The whole reply as server-sent events. ``extras`` stand on the last chunk."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "", "refusal": None}]
    if reply.text:
        deltas.append({"content": reply.text})
    if reply.refusal:
        deltas.append({"refusal": reply.refusal})
    deltas += [{"tool_calls": [{"index": at, **_tool_call(call)}]} for at, call in enumerate(reply.tool_calls)]
    choices = [[_delta(delta)] for delta in deltas] + [[_delta({}, reply.finish_reason)]]
    head = {
        "id": _completion_id(request_id or request.request_id),
        "object": "chat.completion.chunk",
        "created": _seconds(created),
        "model": reply.model_version,
    }
    pending = {"usage": None} if request.stream_usage else {}
    chunks: list[dict[str, Any]] = [{**head, "choices": choice, **pending} for choice in choices]
    if request.stream_usage:
        chunks.append({**head, "choices": [], "usage": _usage(reply.usage)})
    chunks[-1]["signalbox"] = dict(extras)
    events = [json.dumps(chunk, ensure_ascii=False, separators=(",", ":")) for chunk in chunks]
    return "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"])


def models(policy: Policy) -> ModelList:
    """Every value that ``model`` may have: ``auto``, the roles, the roster."""
    named = [_entry(name, "signalbox") for name in dict.fromkeys(["auto", *policy.roles])]
    roster = [
        _entry(model.id, model.provider, model.retires.isoformat() if model.retires else None)
        for model in policy.roster.values()
        if model.id != "auto" and model.id not in policy.roles
    ]
    return ModelList(object="list", data=[*named, *roster])


def model(policy: Policy, name: str) -> ModelEntry:
    """One of ``models``. Raises ``NotFound`` (``model_not_found``)."""
    for entry in models(policy)["data"]:
        if entry["id"] == name:
            return entry
    raise NotFound("model_not_found", "There is no such model here; see /v1/models.", param="model")


def _entry(name: str, owner: str, shutdown_date: str | None = None) -> ModelEntry:
    entry = ModelEntry(id=name, object="model", created=0, owned_by=owner)
    if shutdown_date is not None:
        entry["shutdown_date"] = shutdown_date
    return entry


def _completion_id(request_id: str) -> str:
    return f"chatcmpl-{request_id}"


def _seconds(created: int | None) -> int:
    return int(time.time()) if created is None else created


def _content(reply: AdapterReply) -> str | None:
    """Null when the model said nothing but called tools or declined, as OpenAI has it."""
    return None if not reply.text and (reply.tool_calls or reply.refusal) else reply.text


def _tool_call(call: ToolCall) -> ToolCallReply:
    return ToolCallReply(id=call.id, type="function", function=FunctionReply(name=call.name, arguments=call.arguments))


def _delta(delta: dict[str, Any], finish_reason: FinishReason | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _usage(usage: Usage) -> CompletionUsage:
    return CompletionUsage(
        prompt_tokens=usage.input_tokens,
        completion_tokens=usage.output_tokens,
        total_tokens=usage.input_tokens + usage.output_tokens,
        prompt_tokens_details=PromptDetails(
            cached_tokens=usage.cached_input_tokens, cache_write_tokens=usage.cache_write_tokens
        ),
        completion_tokens_details=CompletionDetails(reasoning_tokens=usage.reasoning_tokens),
    )
