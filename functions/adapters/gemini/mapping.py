"""``AdapterRequest`` → generateContent's body. The way back is in ``replies``."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from adapters.gemini.call_ids import FOREIGN_SIGNATURE, decode
from adapters.gemini.schema import to_schema
from signalbox.adapters.json_text import parse_object
from signalbox.adapters.provider import unsupported
from signalbox.contracts.adapters import AdapterRequest
from signalbox.contracts.messages import Message

Json = dict[str, Any]


def to_wire(request: AdapterRequest) -> Json:
    """The body of ``models.generateContent``. Raises ``AdapterError`` (InvalidRequest) by name.

    System messages, wherever they stand, become the system instruction. ``user`` has no field
    there and changes no answer; it stays in our own records. Log-probabilities are not asked for:
    no model on offer gives them, and ``responseLogprobs`` is answered with 400 ("Logprobs is not
    supported for this model", reported of 3.5 Flash; of 2.5 on this API before).
    """
    if request.reasoning_effort is not None:
        raise unsupported(request, "reasoning_effort", "this provider's models are not told how hard to think here")
    body: Json = {"contents": _contents(request), "generationConfig": _generation_config(request)}
    if system := [part for message in request.messages if message.role == "system" for part in _texts(message)]:
        body["systemInstruction"] = {"parts": system}
    if request.tools:
        body["tools"] = [{"functionDeclarations": _declarations(request)}]
    if calling := _function_calling(request):
        body["toolConfig"] = {"functionCallingConfig": calling}
    return body


def _contents(request: AdapterRequest) -> list[Json]:
    turns = ((_role(message), part) for message, part in _parts(request))
    contents = [
        {"role": role, "parts": [part for _, part in group]} for role, group in groupby(turns, key=lambda turn: turn[0])
    ]
    if not contents:
        raise unsupported(request, "messages", "there is no user or assistant turn with content")
    return contents


def _role(message: Message) -> str:
    return "model" if message.role == "assistant" else "user"


def _parts(request: AdapterRequest) -> Iterator[tuple[Message, Json]]:
    names: dict[str, str] = {}  # of the functions called so far, by call id
    for index, message in enumerate(request.messages):
        if message.role == "system":
            continue
        if message.role == "tool":
            yield message, _function_response(request, index, message, names)
            continue
        yield from ((message, part) for part in _texts(message))
        yield from ((message, part) for part in _function_calls(request, index, message))
        names |= {call.id: call.name for call in message.tool_calls}


def _texts(message: Message) -> Iterator[Json]:
    # An empty part says nothing, and the API refuses it.
    return ({"text": part.text} for part in message.content if part.text)


def _function_calls(request: AdapterRequest, index: int, message: Message) -> Iterator[Json]:
    ids = [decode(call.id) for call in message.tool_calls]
    signed = any(call_id.signature for call_id in ids)
    for position, (call, call_id) in enumerate(zip(message.tool_calls, ids, strict=True)):
        arguments = parse_object(call.arguments or "{}")
        if arguments is None:
            where = f"messages[{index}].tool_calls[{position}].function.arguments"
            raise unsupported(request, where, "it is not a JSON object")
        part: Json = {"functionCall": {"id": call_id.id, "name": call.name, "args": arguments}}
        # Parallel calls share one signature, on the first of them.
        signature = call_id.signature or (FOREIGN_SIGNATURE if position == 0 and not signed else None)
        yield part | ({"thoughtSignature": signature} if signature else {})


def _function_response(request: AdapterRequest, index: int, message: Message, names: dict[str, str]) -> Json:
    if message.tool_call_id not in names:
        raise unsupported(request, f"messages[{index}].tool_call_id", "no assistant turn before it made that call")
    name = names[message.tool_call_id]
    result = parse_object(message.text)
    response = {"result": message.text} if result is None else result
    return {"functionResponse": {"id": decode(message.tool_call_id).id, "name": name, "response": response}}


def _declarations(request: AdapterRequest) -> list[Json]:
    declarations = []
    for index, tool in enumerate(request.tools):
        declaration: Json = {"name": tool.name}
        if tool.description:
            declaration["description"] = tool.description
        if tool.parameters:
            where = f"tools[{index}].function.parameters"
            declaration["parametersJsonSchema"] = to_schema(request, where, tool.parameters, tool.strict)
        declarations.append(declaration)
    return declarations


def _function_calling(request: AdapterRequest) -> Json | None:
    choice = request.tool_choice
    mode = choice.mode if choice else "auto"
    if not request.tools:
        if mode in ("required", "function"):
            raise unsupported(request, "tool_choice", "no tools are offered")
        return None
    if request.parallel_tool_calls is False and mode != "none":
        raise unsupported(request, "parallel_tool_calls", "the provider has no switch against parallel calls")
    if choice and mode == "function":
        return {"mode": "ANY", "allowedFunctionNames": [_offered(request, choice.name)]}
    if mode == "auto":
        # VALIDATED leaves the choice to the model as AUTO does, and holds calls to their schemas.
        return {"mode": "VALIDATED" if any(tool.strict for tool in request.tools) else "AUTO"}
    return {"mode": "NONE" if mode == "none" else "ANY"}


def _offered(request: AdapterRequest, name: str | None) -> str:
    if name is None or name not in {tool.name for tool in request.tools}:
        raise unsupported(request, "tool_choice", "it names a function that is not among the tools")
    return name


def _generation_config(request: AdapterRequest) -> Json:
    sampling = request.sampling
    config: Json = {
        "maxOutputTokens": request.max_output_tokens,
        "temperature": sampling.temperature,
        "topP": sampling.top_p,
        "seed": sampling.seed,
        "presencePenalty": sampling.presence_penalty,
        "frequencyPenalty": sampling.frequency_penalty,
        "stopSequences": _or_none(sampling.stop),
    }
    form = request.response_format
    if form.type != "text":
        config["responseMimeType"] = "application/json"
    if form.schema_ is not None:
        where = "response_format.json_schema.schema"
        config["responseJsonSchema"] = to_schema(request, where, form.schema_, form.strict)
    return {key: value for key, value in config.items() if value is not None}


def _or_none(values: Sequence[str]) -> list[str] | None:
    return list(values) or None
