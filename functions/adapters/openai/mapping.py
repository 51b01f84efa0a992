"""``AdapterRequest`` → the body of ``POST /v1/chat/completions``."""

import re
from typing import Any

from adapters.openai.servers import Server
from signalbox.adapters.logprobs import ALTERNATIVES
from signalbox.adapters.provider import unsupported
from signalbox.adapters.tool_ids import fitting
from signalbox.contracts.adapters import AdapterRequest
from signalbox.contracts.messages import Message, TextPart, ToolCall

Wire = dict[str, Any]
_ID = re.compile(r".{1,40}")
# OpenAI's own models that refuse ``max_tokens``, also behind a gateway of another host.
_COMPLETION_TOKENS = re.compile(r"(?:[\w.-]+/)?(?:gpt-[5-9]|o\d)")
# From gpt-5.6 on, Chat Completions refuses function tools unless reasoning is switched off by name.
_TOOLS_WITHOUT_REASONING = re.compile(r"(?:[\w.-]+/)?gpt-(?:5\.[6-9]|[6-9])\b")

# Log-probabilities: 403 of GPT-5 and the o series; GPT-5.1 and later only while they do not reason. Whoever else is
# behind a gateway of another name may refuse the whole request for them (Groq and Mistral do), so is not asked.
_LOGPROBS = re.compile(r"(?:[\w.-]+/)?gpt-4(?:o|\.1)(?:-mini|-nano)?(?:-\d{4}-\d\d-\d\d)?")
_LOGPROBS_WITHOUT_REASONING = re.compile(r"(?:[\w.-]+/)?gpt-(?:5\.[1-9]|[6-9])")


def to_wire(request: AdapterRequest, server: Server) -> Wire:
    """The JSON body for ``server``. Raises ``AdapterError`` (InvalidRequest) naming what cannot be carried.

    Compatible servers get the older names, which all of them know: ``max_tokens`` and ``user``.
    System prompts stay ``system``: OpenAI reads it as ``developer`` where a model wants that, and
    other servers know no ``developer``.
    """
    wire: Wire = {
        "model": request.provider_model,
        "messages": [_message(request, index, message) for index, message in enumerate(request.messages)],
        _limit_name(request, server): request.max_output_tokens,
        **_tools(request),
        **_response_format(request),
        **_sampling(request),
    }
    effort = _reasoning_effort(request)
    if effort:
        wire["reasoning_effort"] = effort
    if request.logprobs and _gives_logprobs(request.provider_model, effort):
        wire |= {"logprobs": True, "top_logprobs": ALTERNATIVES}
    if request.user is not None:
        wire["safety_identifier" if server == "openai" else "user"] = request.user
    return wire


def _reasoning_effort(request: AdapterRequest) -> str | None:
    """The profile's word, unless the model takes tools only without reasoning."""
    if request.tools and _TOOLS_WITHOUT_REASONING.match(request.provider_model):
        return "none"
    return request.reasoning_effort


def _gives_logprobs(model: str, effort: str | None) -> bool:
    """False where in doubt: nobody asked for them who would rather have an error than do without."""
    return bool(_LOGPROBS.fullmatch(model) or (effort == "none" and _LOGPROBS_WITHOUT_REASONING.match(model)))


def _limit_name(request: AdapterRequest, server: Server) -> str:
    older = server == "compatible" and not _COMPLETION_TOKENS.match(request.provider_model)
    return "max_tokens" if older else "max_completion_tokens"


def _message(request: AdapterRequest, index: int, message: Message) -> Wire:
    wire: Wire = {"role": message.role, "content": _content(message.content)}
    if message.role == "tool":
        if message.tool_call_id is None:
            raise unsupported(request, f"messages.{index}.tool_call_id", "a tool result must name its call")
        wire["tool_call_id"] = fitting(message.tool_call_id, _ID)
    if message.tool_calls:
        wire["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
        if not message.content:
            wire["content"] = None
    return wire


def _content(parts: tuple[TextPart, ...]) -> str | list[Wire]:
    """One part as plain text, which every server takes; several stay apart."""
    if len(parts) > 1:
        return [{"type": "text", "text": part.text} for part in parts]
    return parts[0].text if parts else ""


def _tool_call(call: ToolCall) -> Wire:
    return {
        "id": fitting(call.id, _ID),
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }


def _tools(request: AdapterRequest) -> Wire:
    wire: Wire = {}
    if request.tools:
        wire["tools"] = [
            {"type": "function", "function": tool.model_dump(mode="json", exclude_none=True)} for tool in request.tools
        ]
        if request.parallel_tool_calls is not None:
            wire["parallel_tool_calls"] = request.parallel_tool_calls
    choice = request.tool_choice
    if choice and choice.mode == "function":
        wire["tool_choice"] = {"type": "function", "function": {"name": choice.name}}
    elif choice and (request.tools or choice.mode == "required"):
        # Without tools, "auto" and "none" ask for nothing and are refused.
        wire["tool_choice"] = choice.mode
    return wire


def _response_format(request: AdapterRequest) -> Wire:
    asked = request.response_format
    if asked.type == "text":
        return {}
    if asked.type == "json_object":
        return {"response_format": {"type": "json_object"}}
    schema: Wire = {"name": asked.name or "response", "schema": asked.schema_ or {}}
    if asked.strict is not None:
        schema["strict"] = asked.strict
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _sampling(request: AdapterRequest) -> Wire:
    values = request.sampling.model_dump(mode="json", exclude_none=True)
    return {name: value for name, value in values.items() if value != []}
