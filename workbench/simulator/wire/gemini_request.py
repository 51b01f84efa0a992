"""What Gemini's generateContent takes, and what it says to the rest. Names come in camelCase or snake_case.

Shapes: https://ai.google.dev/api/generate-content
"""

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from workbench.simulator.exchange import Refusal, SimRequest, Tool, Turn
from workbench.simulator.models import Model
from workbench.simulator.wire import Strict, field_path


class _Shape(Strict):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class _FunctionCall(_Shape):
    name: str
    args: dict[str, Any] = Field(default_factory=dict)
    id: str | None = None


class _FunctionResponse(_Shape):
    name: str
    response: dict[str, Any]
    id: str | None = None


class _Part(_Shape):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: _FunctionCall | None = None
    function_response: _FunctionResponse | None = None

    @property
    def said(self) -> str:
        call, result = self.function_call, self.function_response
        return self.text or (json.dumps(call.args) if call else json.dumps(result.response) if result else "")


class _Content(_Shape):
    role: Literal["user", "model", "function"] = "user"
    parts: list[_Part]


class _Function(_Shape):
    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None
    parameters_json_schema: dict[str, Any] | None = None
    behavior: str | None = None


class _Tools(_Shape):
    function_declarations: tuple[_Function, ...] = ()


class _CallingConfig(_Shape):
    mode: Literal["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"] = "AUTO"
    allowed_function_names: tuple[str, ...] = ()


class _ToolConfig(_Shape):
    function_calling_config: _CallingConfig = _CallingConfig()


class _Thinking(_Shape):
    thinking_budget: int | None = None
    thinking_level: Literal["minimal", "low", "medium", "high", "MINIMAL", "LOW", "MEDIUM", "HIGH"] | None = None
    include_thoughts: bool | None = None


class _Generation(_Shape):
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    candidate_count: Literal[1] | None = None
    max_output_tokens: int | None = None
    stop_sequences: tuple[str, ...] = ()
    response_mime_type: Literal["text/plain", "application/json"] = "text/plain"
    response_schema: dict[str, Any] | None = None
    response_json_schema: dict[str, Any] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    response_logprobs: bool = False
    logprobs: int | None = None
    thinking_config: _Thinking = _Thinking()


class _Body(_Shape):
    contents: list[_Content]
    model: str | None = None
    system_instruction: _Content | None = None
    tools: tuple[_Tools, ...] = ()
    tool_config: _ToolConfig = _ToolConfig()
    generation_config: _Generation = _Generation()
    safety_settings: tuple[Any, ...] = ()
    cached_content: None = None
    labels: dict[str, str] | None = None


def invalid(message: str) -> Refusal:
    """A 400 in Gemini's shape."""
    return Refusal(400, message, "INVALID_ARGUMENT")


def parse(body: dict[str, Any], model: Model) -> SimRequest:
    """The request in neutral terms. Raises ``Refusal`` for what the API or ``model`` does not take."""
    try:
        asked = _Body.model_validate(body)
    except ValidationError as error:
        raise _worded(error) from None
    config, calling = asked.generation_config, asked.tool_config.function_calling_config
    _check(asked, model)
    schema = config.response_json_schema or (config.response_schema and _plain(config.response_schema)) or None
    wants_json = config.response_mime_type == "application/json"
    tools = [function for tool in asked.tools for function in tool.function_declarations]
    return SimRequest(
        model_id=model.id,
        turns=tuple(_turn(content) for content in asked.contents),
        system="\n".join(part.said for part in asked.system_instruction.parts) if asked.system_instruction else "",
        tools=tuple(Tool(f.name, f.description, f.parameters_json_schema or _plain(f.parameters or {})) for f in tools),
        tool_choice={"ANY": "required", "NONE": "none"}.get(calling.mode, "auto"),  # type: ignore[arg-type]
        tool_name=calling.allowed_function_names[0] if calling.allowed_function_names else None,
        form="json_schema" if wants_json and schema else "json_object" if wants_json else "text",
        schema=schema if wants_json else None,
        max_output_tokens=config.max_output_tokens,
        stop=tuple(config.stop_sequences),
        logprobs=config.response_logprobs,
        top_logprobs=config.logprobs or 0,
        thinks=model.thinks and config.thinking_config.thinking_budget != 0,
    )


def _worded(error: ValidationError) -> Refusal:
    first = error.errors()[0]
    if first["type"] == "extra_forbidden":
        *parents, name = first["loc"]
        where = f" at '{field_path(tuple(parents))}'" if parents else ""
        return invalid(f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.')
    return invalid(f"Invalid value at '{field_path(first['loc'])}': {first['msg']}")


def _check(asked: _Body, model: Model) -> None:
    config = asked.generation_config
    if not asked.contents:
        raise invalid("* GenerateContentRequest.contents: contents is not specified")
    if config.response_logprobs and not model.logprobs:
        raise invalid(f"Logprobs is not enabled for models/{model.id}")
    if config.logprobs is not None and not config.response_logprobs:
        raise invalid("logprobs is set, but response_logprobs is not")
    if config.response_schema and config.response_mime_type == "text/plain":
        raise invalid(
            "* GenerateContentRequest.generation_config.response_schema: only allowed for response_mime_type "
            "application/json"
        )
    if "missing_thought_signature" in model.refuses:
        _check_signatures(asked.contents)


def _check_signatures(contents: list[_Content]) -> None:
    """Every model turn since the last plain user turn needs a signature on its first function call."""
    plain = [at for at, content in enumerate(contents) if content.role == "user" and any(p.text for p in content.parts)]
    for at in range(plain[-1] if plain else 0, len(contents)):
        calls = [part for part in contents[at].parts if part.function_call]
        if calls and not calls[0].thought_signature and calls[0].function_call:
            raise invalid(
                f"Function call is missing a thought_signature in functionCall parts. This is required for tools to "
                f"work correctly, and missing thought_signature may lead to degraded model performance. Additional "
                f"data, function call `default_api:{calls[0].function_call.name}`, position {at + 1}. Please refer to "
                "https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
            )


def _turn(content: _Content) -> Turn:
    text = "\n".join(part.said for part in content.parts if not part.thought)
    result = next((part.function_response for part in content.parts if part.function_response), None)
    if result:
        return Turn("tool", text, result.name)
    return Turn("assistant" if content.role == "model" else "user", text)


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Gemini's own ``Schema`` (types in capitals, ``nullable``, numbers as text) as JSON Schema."""
    plain: dict[str, Any] = {}
    for word, part in schema.items():
        if word == "type":
            plain[word] = str(part).lower()
        elif word in ("properties", "$defs"):
            plain[word] = {name: _plain(inner) for name, inner in part.items()}
        elif word in ("anyOf", "any_of", "prefixItems"):
            plain["anyOf" if word == "any_of" else word] = [_plain(inner) for inner in part]
        elif word in ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"):
            plain[word] = int(part)
        elif isinstance(part, Mapping) and word in ("items", "additionalProperties"):
            plain[word] = _plain(part)
        elif word not in ("nullable", "propertyOrdering", "property_ordering", "example"):
            plain[word] = part
    return plain
