"""Signalbox's own dialect: ``POST /v1/infer`` and ``POST /v1/chat``."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag
from typing_extensions import TypedDict

from signalbox.contracts.adapters import AdapterReply, FinishReason
from signalbox.contracts.errors import BadRequest
from signalbox.contracts.messages import Message, ResponseFormat, TextPart
from signalbox.contracts.requests import InferenceRequest
from signalbox.dialects.fields import Hints, SharedBody, hints, sampling
from signalbox.dialects.messages import MessageBody, MessageList, Text, to_messages, to_tool_choice, to_tools
from signalbox.dialects.wire import validated

TokenId = Annotated[int, Field(ge=0)]
Messages = Annotated[MessageList, Tag("<messages>")]
Tokens = Annotated[list[TokenId], Field(fail_fast=True), Tag("<tokens>")]


def _form(conversation: Any) -> str:
    """By the first element; the others must then be of its kind."""
    if isinstance(conversation, str):
        return "<text>"
    return "<tokens>" if isinstance(conversation, list) and conversation and _is_int(conversation[0]) else "<messages>"


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


class InferBody(SharedBody, Hints):
    """Exactly one of ``conversation`` (messages, one string, or token ids of o200k_base), ``messages`` and ``text``."""

    conversation: Annotated[Text | Messages | Tokens, Discriminator(_form)] | None = None
    messages: Messages | None = Field(default=None, description="Another name for a conversation of messages.")
    text: str | None = None
    system: str | None = Field(default=None, min_length=1, description="Put before the conversation.")
    id: str | None = Field(default=None, min_length=1, max_length=256, description="The caller's own; comes back.")
    response_schema: dict[str, Any] | None = Field(default=None, description="JSON Schema that the reply must fit.")


class ToolCallFacts(TypedDict):
    id: str
    name: str
    arguments: str


class UsageFacts(TypedDict):
    """In tokens; ``input_tokens`` includes the cached ones, ``output_tokens`` the reasoning."""

    input_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int


class InferReply(TypedDict):
    """``json`` is ``text`` parsed, when a schema was asked for and it parses; else null."""

    id: str | None
    request_id: str
    text: str
    json: Any
    tool_calls: list[ToolCallFacts]
    finish_reason: FinishReason
    refusal: str | None
    model: str
    usage: UsageFacts
    signalbox: dict[str, Any]


def parse(body: Any, *, request_id: str, caller: str, tier: str, path: str, key_id: str = "") -> InferenceRequest:
    """``body`` (decoded JSON) as a request. Raises ``BadRequest`` with a stable code and the param."""
    sent = validated(InferBody, body)
    tools = to_tools(sent.tools)
    return InferenceRequest(
        request_id=request_id,
        caller=caller,
        key_id=key_id,
        path=path,
        id=sent.id,
        model=sent.model or "auto",
        messages=(*_message("system", sent.system), *_conversation(sent)),
        tools=tools,
        tool_choice=to_tool_choice(sent.tool_choice, tools),
        parallel_tool_calls=sent.parallel_tool_calls,
        response_format=_response_format(sent.response_schema),
        sampling=sampling(sent),
        max_output_tokens=sent.max_tokens,
        user=sent.user,
        metadata=sent.metadata or {},
        **hints(sent, tier=tier),
    )


def render(
    request: InferenceRequest, reply: AdapterReply, extras: Mapping[str, Any], *, request_id: str | None = None
) -> InferReply:
    """The native reply. ``model`` is the exact version that answered; ``extras`` become ``signalbox``.

    ``request_id``: of the request that the model was asked for, where that is another one.
    """
    return InferReply(
        id=request.id,
        request_id=request_id or request.request_id,
        text=reply.text,
        json=_parsed(reply.text) if request.response_format.type == "json_schema" else None,
        tool_calls=[ToolCallFacts(id=one.id, name=one.name, arguments=one.arguments) for one in reply.tool_calls],
        finish_reason=reply.finish_reason,
        refusal=reply.refusal,
        model=reply.model_version,
        usage=UsageFacts(
            input_tokens=reply.usage.input_tokens,
            cached_input_tokens=reply.usage.cached_input_tokens,
            cache_write_tokens=reply.usage.cache_write_tokens,
            output_tokens=reply.usage.output_tokens,
            reasoning_tokens=reply.usage.reasoning_tokens,
        ),
        signalbox=dict(extras),
    )


def _conversation(sent: InferBody) -> tuple[Message, ...]:
    forms = {"conversation": sent.conversation, "messages": sent.messages, "text": sent.text}
    named = [name for name, value in forms.items() if value is not None]
    if len(named) != 1:
        code = "invalid_value" if named else "missing_parameter"
        raise BadRequest(code, "Send exactly one of conversation, messages and text.", param="conversation")
    name = named[0]
    given = forms[name]
    if not given:
        raise BadRequest("invalid_value", f"{name} is empty.", param=name)
    if isinstance(given, str):
        return _message("user", given)
    if isinstance(given[0], MessageBody):
        return to_messages(given, name)
    return _message("user", _decoded(given))


def _message(role: str, text: str | None) -> tuple[Message, ...]:
    return (Message.model_validate({"role": role, "content": (TextPart(text=text),)}),) if text else ()


def _decoded(tokens: Sequence[int]) -> str:
    # Loading the tokenizer takes longer than everything else here; few callers send token ids.
    from signalbox.signals.encoding import decode

    return decode(tokens)


def _response_format(schema: dict[str, Any] | None) -> ResponseFormat:
    return ResponseFormat() if schema is None else ResponseFormat(type="json_schema", name="response", schema_=schema)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
