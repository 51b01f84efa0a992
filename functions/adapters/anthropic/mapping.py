"""``AdapterRequest`` → the body of Anthropic's ``POST /v1/messages``."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from signalbox.adapters.json_schemas import closed
from signalbox.adapters.json_text import parse_object
from signalbox.adapters.provider import unsupported
from signalbox.adapters.tool_ids import fitting
from signalbox.contracts.adapters import AdapterRequest
from signalbox.contracts.messages import Message, TextPart, ToolCall

Wire = dict[str, Any]
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_CHOICES = {"auto": "auto", "none": "none", "required": "any", "function": "tool"}


def to_wire(request: AdapterRequest) -> Wire:
    """The JSON body. Raises ``AdapterError`` (InvalidRequest) naming what cannot be carried."""
    system = [block for message in request.messages if message.role == "system" for block in _text(message.content)]
    wire: Wire = {
        "model": request.provider_model,
        "max_tokens": request.max_output_tokens,
        "messages": _turns(request),
        **_sampling(request),
        **_tools(request),
        **_output(request),
        **_thinking(request),
    }
    if system:
        wire["system"] = system
    if request.user is not None:
        wire["metadata"] = {"user_id": request.user}
    return wire


def _thinking(request: AdapterRequest) -> Wire:
    """Claude thinks unless it is told not to; how hard is its own choice."""
    if request.reasoning_effort is None:
        return {}
    if request.reasoning_effort != "none":
        raise unsupported(request, "reasoning_effort", "Anthropic's thinking can only be switched off")
    return {"thinking": {"type": "disabled"}}


def _turns(request: AdapterRequest) -> list[Wire]:
    """Turns that alternate: what follows one another in the same role becomes one turn, its parts kept apart.

    Tool results are said by the user, so several in a row end up in one turn, as the API demands.
    """
    said = [
        ("assistant" if message.role == "assistant" else "user", block)
        for index, message in enumerate(request.messages)
        if message.role != "system"
        for block in _blocks(request, index, message)
    ]
    return [{"role": role, "content": [block for _, block in run]} for role, run in groupby(said, lambda pair: pair[0])]


def _blocks(request: AdapterRequest, index: int, message: Message) -> Iterator[Wire]:
    if message.role == "tool":
        if message.tool_call_id is None:
            raise unsupported(request, f"messages.{index}.tool_call_id", "a tool result must name its call")
        result: Wire = {"type": "tool_result", "tool_use_id": fitting(message.tool_call_id, _ID)}
        yield result | ({"content": content} if (content := _text(message.content)) else {})
        return
    blocks = [*_text(message.content), *(_tool_use(request, index, call) for call in message.tool_calls)]
    if not blocks:
        raise unsupported(request, f"messages.{index}.content", "Anthropic takes no empty turn")
    yield from blocks


def _text(parts: tuple[TextPart, ...]) -> list[Wire]:
    """An empty part says nothing, and the API refuses it."""
    return [{"type": "text", "text": part.text} for part in parts if part.text]


def _tool_use(request: AdapterRequest, index: int, call: ToolCall) -> Wire:
    arguments = parse_object(call.arguments or "{}")
    if arguments is None:
        where = f"messages.{index}.tool_calls.function.arguments"
        raise unsupported(request, where, "Anthropic takes tool arguments as a JSON object only")
    return {"type": "tool_use", "id": fitting(call.id, _ID), "name": call.name, "input": arguments}


def _tools(request: AdapterRequest) -> Wire:
    if not request.tools:
        return _tools_of_history(request)
    tools: list[Wire] = []
    for tool in request.tools:
        entry: Wire = {"name": tool.name, "input_schema": {"type": "object", **(tool.parameters or {})}}
        if tool.description is not None:
            entry["description"] = tool.description
        if tool.strict:
            entry |= {"strict": True, "input_schema": closed(entry["input_schema"])}
        tools.append(entry)
    choice = _tool_choice(request)
    return {"tools": tools} | ({"tool_choice": choice} if choice else {})


def _tool_choice(request: AdapterRequest) -> Wire | None:
    asked = request.tool_choice
    choice: Wire = {"type": _CHOICES[asked.mode]} if asked else {}
    if asked and asked.mode == "function":
        choice["name"] = asked.name
    if request.parallel_tool_calls is False and choice != {"type": "none"}:
        choice = {"type": "auto", **choice, "disable_parallel_tool_use": True}
    return choice or None


def _tools_of_history(request: AdapterRequest) -> Wire:
    """The API wants earlier calls' tools declared. A caller who offers none any more wants none called."""
    if request.tool_choice and request.tool_choice.mode in ("required", "function"):
        raise unsupported(request, "tool_choice", "no tools are offered")
    names = dict.fromkeys(call.name for message in request.messages for call in message.tool_calls)
    if not names:
        return {}
    tools = [{"name": name, "input_schema": {"type": "object"}} for name in names]
    return {"tools": tools, "tool_choice": {"type": "none"}}


def _output(request: AdapterRequest) -> Wire:
    asked = request.response_format
    if asked.type == "json_object":
        raise unsupported(request, "response_format", "Anthropic has no json_object; ask for json_schema")
    if asked.type == "text":
        return {}
    return {"output_config": {"format": {"type": "json_schema", "schema": closed(asked.schema_ or {})}}}


def _sampling(request: AdapterRequest) -> Wire:
    """Claude 5.5 refuses temperature and top_p other than 1: the roster's features keep them from it."""
    sampling = request.sampling
    for name in ("seed", "frequency_penalty", "presence_penalty"):
        if getattr(sampling, name):
            raise unsupported(request, name, "Anthropic has no such parameter")
    wire: Wire = {name: value for name in ("temperature", "top_p") if (value := getattr(sampling, name)) is not None}
    return wire | ({"stop_sequences": list(sampling.stop)} if sampling.stop else {})
