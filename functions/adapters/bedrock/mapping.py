"""``AdapterRequest`` → Converse's body. The way back is in ``replies``."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from adapters.bedrock.json_answer import as_output_config, as_tool_config, by_tool
from adapters.bedrock.schema import constrained
from signalbox.adapters.json_schemas import without_dialect
from signalbox.adapters.json_text import parse_object
from signalbox.adapters.provider import unsupported
from signalbox.adapters.tool_ids import fitting
from signalbox.contracts.adapters import AdapterRequest
from signalbox.contracts.messages import Message, Tool

Json = dict[str, Any]

_TOOL_USE_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_METADATA = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{1,256}")
_ANY_OBJECT: Json = {"type": "object", "properties": {}}


def to_wire(request: AdapterRequest) -> Json:
    """The body of Converse. Raises ``AdapterError`` (InvalidRequest) by name.

    System messages, wherever they stand, become the system blocks. ``user`` goes into the
    invocation log's metadata where its alphabet allows; it changes no answer.
    """
    if request.reasoning_effort is not None:
        raise unsupported(request, "reasoning_effort", "this provider's models are not told how hard to think here")
    body: Json = {"messages": _messages(request), "inferenceConfig": _inference_config(request)}
    if system := [block for message in request.messages if message.role == "system" for block in _texts(message)]:
        body["system"] = system
    if by_tool(request):
        body["toolConfig"] = as_tool_config(request)
    else:
        body |= _if_any("toolConfig", _tool_config(request)) | _if_any("outputConfig", as_output_config(request))
    if request.user and _METADATA.fullmatch(request.user):
        body["requestMetadata"] = {"user": request.user}
    return body


def _if_any(name: str, value: Json | None) -> Json:
    return {name: value} if value else {}


def _messages(request: AdapterRequest) -> list[Json]:
    turns = ((_role(message), block) for message, block in _blocks(request))
    messages = [
        {"role": role, "content": [block for _, block in group]}
        for role, group in groupby(turns, key=lambda turn: turn[0])
    ]
    if not messages:
        raise unsupported(request, "messages", "there is no user or assistant turn with content")
    return messages


def _role(message: Message) -> str:
    return "assistant" if message.role == "assistant" else "user"


def _blocks(request: AdapterRequest) -> Iterator[tuple[Message, Json]]:
    for index, message in enumerate(request.messages):
        if message.role == "system":
            continue
        if message.role == "tool":
            yield message, _tool_result(request, index, message)
            continue
        yield from ((message, block) for block in _texts(message))
        yield from ((message, block) for block in _tool_uses(request, index, message))


def _texts(message: Message) -> Iterator[Json]:
    # An empty block says nothing, and the API refuses it.
    return ({"text": part.text} for part in message.content if part.text)


def _tool_uses(request: AdapterRequest, index: int, message: Message) -> Iterator[Json]:
    for position, call in enumerate(message.tool_calls):
        arguments = parse_object(call.arguments or "{}")
        if arguments is None:
            where = f"messages[{index}].tool_calls[{position}].function.arguments"
            raise unsupported(request, where, "it is not a JSON object")
        yield {"toolUse": {"toolUseId": fitting(call.id, _TOOL_USE_ID), "name": call.name, "input": arguments}}


def _tool_result(request: AdapterRequest, index: int, message: Message) -> Json:
    if not message.tool_call_id:
        raise unsupported(request, f"messages[{index}].tool_call_id", "a tool result must name its call")
    return {"toolResult": {"toolUseId": fitting(message.tool_call_id, _TOOL_USE_ID), "content": list(_texts(message))}}


def _inference_config(request: AdapterRequest) -> Json:
    sampling = request.sampling
    if sampling.seed is not None:
        raise unsupported(request, "seed", "Converse has no such parameter")
    for penalty in ("frequency_penalty", "presence_penalty"):
        if getattr(sampling, penalty):  # 0 asks for nothing
            raise unsupported(request, penalty, "Converse has no such parameter")
    config: Json = {
        "maxTokens": request.max_output_tokens,
        "temperature": sampling.temperature,
        "topP": sampling.top_p,
        "stopSequences": list(sampling.stop) or None,
    }
    return {key: value for key, value in config.items() if value is not None}


def _tool_config(request: AdapterRequest) -> Json | None:
    choice = request.tool_choice
    mode = choice.mode if choice else "auto"
    spoken = any(message.tool_calls or message.role == "tool" for message in request.messages)
    if not request.tools:
        if mode in ("required", "function"):
            raise unsupported(request, "tool_choice", "no tools are offered")
        if spoken:
            raise unsupported(request, "tools", "Converse wants them declared once a message calls or answers one")
        return None
    if mode == "none":
        if spoken:
            raise unsupported(request, "tool_choice", "Converse cannot forbid the tools that earlier messages used")
        return None  # a tool that is not offered is not called
    if request.parallel_tool_calls is False:
        raise unsupported(request, "parallel_tool_calls", "Converse has no switch against parallel calls")
    config: Json = {"tools": [_tool_spec(request, index, tool) for index, tool in enumerate(request.tools)]}
    if choice:
        config["toolChoice"] = _tool_choice(request, choice.mode, choice.name)
    return config


def _tool_choice(request: AdapterRequest, mode: str, name: str | None) -> Json:
    if mode != "function":
        return {"any": {}} if mode == "required" else {"auto": {}}
    if name not in {tool.name for tool in request.tools}:
        raise unsupported(request, "tool_choice", "it names a function that is not among the tools")
    return {"tool": {"name": name}}


def _tool_spec(request: AdapterRequest, index: int, tool: Tool) -> Json:
    schema = without_dialect(tool.parameters) if tool.parameters else _ANY_OBJECT
    spec: Json = {"name": tool.name}
    if tool.description:
        spec["description"] = tool.description
    if tool.strict:
        schema = constrained(request, f"tools[{index}].function.parameters", schema)
        spec["strict"] = True
    return {"toolSpec": spec | {"inputSchema": {"json": schema}}}
