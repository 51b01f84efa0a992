"""What OpenAI's Chat Completions API takes, and what it says to the rest.

Shapes: https://platform.openai.com/docs/api-reference/chat/create
"""

from typing import Any, Literal

from pydantic import Field, ValidationError

from workbench.simulator.exchange import Refusal, SimRequest, Tool, Turn
from workbench.simulator.models import Model
from workbench.simulator.wire import Strict, field_path


class _Part(Strict):
    type: Literal["text", "refusal"]
    text: str = ""
    refusal: str | None = None


class _Function(Strict):
    name: str
    arguments: str


class _ToolCall(Strict):
    id: str
    type: Literal["function"]
    function: _Function


class _Message(Strict):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[_Part] | None = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: tuple[_ToolCall, ...] = ()
    tool_call_id: str | None = None
    audio: None = None
    function_call: None = None
    annotations: list[Any] | None = None

    @property
    def said(self) -> str:
        text = self.content if isinstance(self.content, str) else "\n".join(p.text for p in self.content or ())
        return "\n".join([text, *(call.function.arguments for call in self.tool_calls)]).strip("\n")


class _FunctionSpec(Strict):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class _Tool(Strict):
    type: Literal["function"]
    function: _FunctionSpec


class _NamedFunction(Strict):
    name: str


class _NamedTool(Strict):
    type: Literal["function"]
    function: _NamedFunction


class _JsonSchema(Strict):
    name: str
    description: str | None = None
    schema_: dict[str, Any] = Field(default_factory=dict, alias="schema")
    strict: bool | None = None


class _Format(Strict):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: _JsonSchema | None = None


class _StreamOptions(Strict):
    include_usage: bool = False
    include_obfuscation: bool = True


class _Body(Strict):
    model: str
    messages: list[_Message] = Field(min_length=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    n: Literal[1] | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    tools: tuple[_Tool, ...] = ()
    tool_choice: Literal["auto", "none", "required"] | _NamedTool | None = None
    parallel_tool_calls: bool | None = None
    response_format: _Format | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    service_tier: str | None = None
    store: bool | None = None
    metadata: dict[str, str] | None = None


def invalid(message: str, param: str | None = None, code: str | None = None) -> Refusal:
    """A 400 in OpenAI's shape."""
    return Refusal(400, message, "invalid_request_error", param=param, code=code)


def parse(body: dict[str, Any], model: Model) -> SimRequest:
    """The request in neutral terms. Raises ``Refusal`` for what the API or ``model`` does not take."""
    try:
        asked = _Body.model_validate(body)
    except ValidationError as error:
        raise _worded(error) from None
    _check_options(asked, model)
    _check_messages(asked)
    form = asked.response_format or _Format(type="text")
    named = asked.tool_choice if isinstance(asked.tool_choice, _NamedTool) else None
    choice = asked.tool_choice if isinstance(asked.tool_choice, str) else "required" if named else "auto"
    names = {call.id: call.function.name for message in asked.messages for call in message.tool_calls}
    system = [message.said for message in asked.messages if message.role in ("system", "developer")]
    stop = [asked.stop] if isinstance(asked.stop, str) else asked.stop or []
    return SimRequest(
        model_id=model.id,
        turns=tuple(
            Turn(message.role, message.said, names.get(message.tool_call_id or ""))
            for message in asked.messages
            if message.role in ("user", "assistant", "tool")
        ),
        system="\n".join(system),
        tools=tuple(
            Tool(tool.function.name, tool.function.description or "", tool.function.parameters or {})
            for tool in asked.tools
        ),
        tool_choice=choice,
        tool_name=named.function.name if named else None,
        form=form.type,
        schema=form.json_schema.schema_ if form.json_schema else None,
        max_output_tokens=asked.max_completion_tokens or asked.max_tokens,
        stop=tuple(stop),
        logprobs=bool(asked.logprobs),
        top_logprobs=asked.top_logprobs or 0,
        thinks=model.thinks and asked.reasoning_effort != "none",
        stream=bool(asked.stream),
        stream_usage=bool(asked.stream_options and asked.stream_options.include_usage),
    )


def _worded(error: ValidationError) -> Refusal:
    first = error.errors()[0]
    where = field_path(first["loc"])
    if first["type"] == "missing":
        return invalid(f"Missing required parameter: '{where}'.", where, "missing_required_parameter")
    if first["type"] == "extra_forbidden":
        return invalid(f"Unknown parameter: '{where}'.", where, "unknown_parameter")
    return invalid(f"Invalid value for '{where}': {first['msg']}.", where, "invalid_value")


def _check_options(asked: _Body, model: Model) -> None:
    """Raises for what this model answers 400 to, in the API's own words."""
    rules, thinks = model.refuses, model.thinks and asked.reasoning_effort != "none"
    if "max_tokens" in rules and asked.max_tokens is not None:
        raise invalid(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
            "instead.",
            "max_tokens",
            "unsupported_parameter",
        )
    if "reasoning_none" in rules and asked.reasoning_effort == "none":
        raise invalid(
            "Unsupported value: 'reasoning_effort' does not support 'none' with this model.",
            "reasoning_effort",
            "unsupported_value",
        )
    if "tools_with_reasoning" in rules and thinks and asked.tools:
        raise invalid(
            f"Function tools with reasoning_effort are not supported for {model.id} in /v1/chat/completions. To use "
            "function tools, use /v1/responses or set reasoning_effort to 'none'.",
            "reasoning_effort",
        )
    if "sampling" in rules or ("sampling_with_reasoning" in rules and thinks):
        for name in ("temperature", "top_p", "presence_penalty", "frequency_penalty"):
            default = 0 if name.endswith("penalty") else 1
            if (value := getattr(asked, name)) not in (None, default):
                raise invalid(
                    f"Unsupported value: '{name}' does not support {value:g} with this model. Only the default "
                    f"({default}) value is supported.",
                    name,
                    "unsupported_value",
                )
    if asked.logprobs and ("sampling_with_reasoning" in rules and thinks):
        raise invalid(
            "Unsupported parameter: 'logprobs' is not supported with this model.", "logprobs", "unsupported_parameter"
        )
    if asked.logprobs and not model.logprobs:
        raise Refusal(403, "You are not allowed to request logprobs from this model.", "invalid_request_error")
    if asked.stream_options and not asked.stream:
        raise invalid("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")


def _check_messages(asked: _Body) -> None:
    pending: set[str] = set()
    for at, message in enumerate(asked.messages):
        if message.role == "tool" and message.tool_call_id not in pending:
            raise invalid(
                "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
                "'tool_calls'.",
                f"messages.[{at}].role",
            )
        if message.role == "tool":
            pending.discard(message.tool_call_id or "")
        elif pending:
            break
        pending |= {call.id for call in message.tool_calls}
    if pending:
        raise invalid(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(sorted(pending))}",
            "messages",
        )
    form = asked.response_format
    if form and form.type == "json_object" and not any("json" in m.said.lower() for m in asked.messages):
        raise invalid(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            "messages",
        )
    if form and form.json_schema and form.json_schema.strict:
        _check_strict(form.json_schema.schema_, form.json_schema.name, ())
    if asked.tool_choice not in (None, "none") and not asked.tools:
        raise invalid("Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.")


def _check_strict(schema: Any, name: str, context: tuple[str, ...]) -> None:
    """Raises where ``schema`` breaks the rules of strict mode: closed objects, every property required."""
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties") or {}
    if schema.get("type") == "object":
        head = f"Invalid schema for response_format '{name}': In context={context!r},"
        if schema.get("additionalProperties") is not False:
            raise invalid(
                f"{head} 'additionalProperties' is required to be supplied and to be false.", "response_format"
            )
        if missing := set(properties) - set(schema.get("required") or ()):
            raise invalid(
                f"{head} 'required' is required to be supplied and to be an array including every key in properties. "
                f"Missing '{min(missing)}'.",
                "response_format",
            )
    for word, part in [*properties.items(), *(schema.get("$defs") or {}).items(), ("items", schema.get("items"))]:
        _check_strict(part, name, (*context, "properties" if word in properties else "$defs", word))
    for index, part in enumerate(schema.get("anyOf") or ()):
        _check_strict(part, name, (*context, "anyOf", str(index)))
