"""What Bedrock's Converse takes, and what it says to the rest.

Shapes: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from workbench.simulator.exchange import Refusal, SimRequest, Tool, Turn
from workbench.simulator.models import Model
from workbench.simulator.wire import Strict, field_path


class _Shape(Strict):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class _ToolUse(_Shape):
    tool_use_id: str
    name: str
    input: Any


class _ResultContent(_Shape):
    text: str | None = None
    json_: Any = Field(default=None, alias="json")


class _ToolResult(_Shape):
    tool_use_id: str
    content: list[_ResultContent]
    status: Literal["success", "error"] | None = None


class _Block(_Shape):
    text: str | None = None
    tool_use: _ToolUse | None = None
    tool_result: _ToolResult | None = None
    cache_point: dict[str, Any] | None = None
    reasoning_content: dict[str, Any] | None = None

    @property
    def said(self) -> str:
        if self.tool_result:
            return "\n".join(c.text or json.dumps(c.json_) for c in self.tool_result.content)
        return json.dumps(self.tool_use.input) if self.tool_use else self.text or ""


class _Message(_Shape):
    role: Literal["user", "assistant"]
    content: list[_Block]


class _Spec(_Shape):
    name: str
    description: str = ""
    input_schema: dict[str, dict[str, Any]]
    strict: bool | None = None


class _Tool(_Shape):
    tool_spec: _Spec | None = None
    cache_point: dict[str, Any] | None = None


class _Named(_Shape):
    name: str


class _Choice(_Shape):
    auto: dict[str, Any] | None = None
    any: dict[str, Any] | None = None
    tool: _Named | None = None


class _ToolConfig(_Shape):
    tools: list[_Tool]
    tool_choice: _Choice = _Choice()


class _Inference(_Shape):
    max_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=1)
    top_p: float | None = Field(default=None, ge=0, le=1)
    stop_sequences: tuple[str, ...] = ()


class _JsonSchema(_Shape):
    schema_: str = Field(alias="schema")
    name: str | None = None
    description: str | None = None


class _Structure(_Shape):
    json_schema: _JsonSchema


class _TextFormat(_Shape):
    type: Literal["json_schema"]
    structure: _Structure


class _OutputConfig(_Shape):
    text_format: _TextFormat | None = None
    effort: str | None = None


class _Body(_Shape):
    messages: list[_Message] = Field(min_length=1)
    system: tuple[_Block, ...] = ()
    inference_config: _Inference = _Inference()
    tool_config: _ToolConfig | None = None
    output_config: _OutputConfig | None = None
    additional_model_request_fields: dict[str, Any] | None = None
    additional_model_response_field_paths: list[str] | None = None
    request_metadata: dict[str, str] | None = None
    performance_config: dict[str, Any] | None = None
    service_tier: dict[str, Any] | None = None


def invalid(message: str) -> Refusal:
    """A 400 in Bedrock's shape."""
    return Refusal(400, message, "ValidationException")


def parse(body: dict[str, Any], model: Model) -> SimRequest:
    """The request in neutral terms. Raises ``Refusal`` for what the API does not take."""
    try:
        asked = _Body.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        raise invalid(f"Malformed input request: #/{field_path(first['loc'])}: {first['msg']}") from None
    tools = [tool.tool_spec for tool in asked.tool_config.tools if tool.tool_spec] if asked.tool_config else []
    choice = asked.tool_config.tool_choice if asked.tool_config else _Choice()
    schema = _schema(asked)
    _check_messages(asked, tools=bool(tools))
    return SimRequest(
        model_id=model.id,
        turns=tuple(_turns(asked.messages)),
        system="\n".join(block.said for block in asked.system),
        tools=tuple(Tool(spec.name, spec.description, spec.input_schema.get("json", {})) for spec in tools),
        tool_choice="required" if choice.tool or choice.any is not None else "auto",
        tool_name=choice.tool.name if choice.tool else None,
        form="json_schema" if schema else "text",
        schema=schema,
        max_output_tokens=asked.inference_config.max_tokens,
        stop=tuple(asked.inference_config.stop_sequences),
        thinks=model.thinks,
        cache_asked='"cachePoint"' in json.dumps(body),
    )


def _schema(asked: _Body) -> dict[str, Any] | None:
    if not (asked.output_config and asked.output_config.text_format):
        return None
    try:
        schema = json.loads(asked.output_config.text_format.structure.json_schema.schema_)
    except json.JSONDecodeError:
        schema = None
    if not isinstance(schema, dict):
        raise invalid("The schema in outputConfig.textFormat is not a valid JSON object.")
    return schema


def _check_messages(asked: _Body, *, tools: bool) -> None:
    roles = [message.role for message in asked.messages]
    if roles[0] != "user":
        raise invalid(
            "A conversation must start with a user message. Try again with a conversation that starts with one."
        )
    if any(one == next_ for one, next_ in pairwise(roles)):
        raise invalid("A conversation must alternate between user and assistant roles.")
    if roles[-1] != "user":
        raise invalid("The conversation must end with a user message.")
    pending: set[str] = set()
    for at, message in enumerate(asked.messages):
        results = {block.tool_result.tool_use_id for block in message.content if block.tool_result}
        if results != pending:
            raise invalid(
                f"Expected toolResult blocks at messages.{at}.content for the following Ids: "
                f"{', '.join(sorted(pending))}, but found: {', '.join(sorted(results))}"
            )
        if any(block.text == "" for block in message.content):
            raise invalid(f"The text field in the ContentBlock object at messages.{at}.content.0 is blank.")
        pending = {block.tool_use.tool_use_id for block in message.content if block.tool_use}
        if (results or pending) and not tools:
            raise invalid("The toolConfig field must be defined when using toolUse and toolResult content blocks.")


def _turns(messages: list[_Message]) -> Iterator[Turn]:
    names: dict[str, str] = {}
    for message in messages:
        for block in message.content:
            if block.tool_use:
                names[block.tool_use.tool_use_id] = block.tool_use.name
            if block.tool_result:
                yield Turn("tool", block.said, names.get(block.tool_result.tool_use_id))
        said = [block.said for block in message.content if block.text or block.tool_use]
        if said:
            yield Turn(message.role, "\n".join(said))
