"""What Anthropic's Messages API takes, and what it says to the rest.

Shapes: https://platform.claude.com/docs/en/api/messages
"""

import json
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import ValidationError

from workbench.simulator.exchange import Refusal, SimRequest, Tool, Turn
from workbench.simulator.models import Model
from workbench.simulator.wire import Strict, field_path


class _Block(Strict):
    type: Literal["text", "tool_use", "tool_result", "thinking", "redacted_thinking"]
    text: str | None = None
    id: str | None = None
    name: str | None = None
    input: dict[str, Any] | None = None
    tool_use_id: str | None = None
    content: "str | list[_Block] | None" = None
    is_error: bool | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    cache_control: dict[str, Any] | None = None

    @property
    def said(self) -> str:
        if self.type == "tool_result":
            return self.content if isinstance(self.content, str) else "\n".join(b.said for b in self.content or ())
        return json.dumps(self.input) if self.type == "tool_use" else self.text or ""


class _Message(Strict):
    role: Literal["user", "assistant"]
    content: str | list[_Block]

    @property
    def blocks(self) -> list[_Block]:
        return [_Block(type="text", text=self.content)] if isinstance(self.content, str) else self.content


class _Tool(Strict):
    name: str
    input_schema: dict[str, Any]
    description: str = ""
    type: Literal["custom"] | None = None
    strict: bool | None = None
    cache_control: dict[str, Any] | None = None


class _Choice(Strict):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class _Thinking(Strict):
    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: int | None = None
    display: str | None = None


class _OutputConfig(Strict):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: dict[str, Any] | None = None


class _Body(Strict):
    model: str
    messages: list[_Message]
    max_tokens: int
    system: str | list[_Block] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: tuple[str, ...] = ()
    stream: bool = False
    tools: tuple[_Tool, ...] = ()
    tool_choice: _Choice | None = None
    thinking: _Thinking | None = None
    output_config: _OutputConfig | None = None
    metadata: dict[str, Any] | None = None
    service_tier: str | None = None
    cache_control: dict[str, Any] | None = None


def invalid(message: str) -> Refusal:
    """A 400 in Anthropic's shape."""
    return Refusal(400, message, "invalid_request_error")


def parse(body: dict[str, Any], model: Model) -> SimRequest:
    """The request in neutral terms. Raises ``Refusal`` for what the API or ``model`` does not take."""
    try:
        asked = _Body.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        raise invalid(f"{field_path(first['loc'])}: {first['msg']}") from None
    _check_options(asked, model)
    _check_messages(asked.messages)
    form = (asked.output_config and asked.output_config.format) or None
    if form is not None and (form.get("type") != "json_schema" or not isinstance(form.get("schema"), dict)):
        raise invalid("output_config.format: Input should be a json_schema format with a schema")
    choice = asked.tool_choice or _Choice(type="auto")
    system = asked.system if isinstance(asked.system, str) else "\n".join(b.said for b in asked.system or ())
    return SimRequest(
        model_id=model.id,
        turns=tuple(_turns(asked.messages)),
        system=system,
        tools=tuple(Tool(tool.name, tool.description, tool.input_schema) for tool in asked.tools),
        tool_choice="required" if choice.type in ("any", "tool") else "none" if choice.type == "none" else "auto",
        tool_name=choice.name,
        form="json_schema" if form else "text",
        schema=form["schema"] if form else None,
        max_output_tokens=asked.max_tokens,
        stop=tuple(asked.stop_sequences),
        thinks=model.thinks and (asked.thinking is None or asked.thinking.type in ("adaptive", "enabled")),
        cache_asked='"cache_control"' in json.dumps(body),
        stream=asked.stream,
    )


def _check_options(asked: _Body, model: Model) -> None:
    """Raises for what this model answers 400 to, in the API's own words."""
    rules = model.refuses
    if asked.max_tokens < 1:
        raise invalid("max_tokens: must be greater than or equal to 1")
    for name in ("temperature", "top_p", "top_k"):
        if "sampling" in rules and getattr(asked, name) is not None:
            raise invalid(f"`{name}` is deprecated for this model.")
    forced = asked.tool_choice is not None and asked.tool_choice.type in ("any", "tool")
    if "forced_tools" in rules and forced:
        raise invalid('tool_choice: type "tool" and "any" are not supported for this model.')
    thinking = asked.thinking.type if asked.thinking else None
    if {("disabled", "thinking_disabled"), ("enabled", "thinking_budget")} & {(thinking, rule) for rule in rules}:
        raise invalid(
            f'"thinking.type.{thinking}" is not supported for this model. Use "thinking.type.adaptive" and '
            '"output_config.effort" to control thinking behavior.'
        )
    if "prefill" in rules and asked.messages and asked.messages[-1].role == "assistant":
        raise invalid(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )


def _check_messages(messages: list[_Message]) -> None:
    if not messages:
        raise invalid("messages: at least one message is required")
    pending: set[str] = set()
    for at, message in enumerate(messages):
        results = {block.tool_use_id or "" for block in message.blocks if block.type == "tool_result"}
        if strays := results - pending:
            raise invalid(
                f"messages.{at}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: {min(strays)}. Each "
                "`tool_result` block must have a corresponding `tool_use` block in the previous message."
            )
        if missing := pending - results:
            raise invalid(
                f"messages.{at - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(sorted(missing))}. Each `tool_use` block must have a corresponding `tool_result` block in "
                "the next message."
            )
        if any(block.type == "text" and not block.text for block in message.blocks):
            raise invalid("messages: text content blocks must be non-empty")
        pending = {block.id or "" for block in message.blocks if block.type == "tool_use"}


def _turns(messages: list[_Message]) -> Iterator[Turn]:
    names: dict[str | None, str | None] = {}
    for message in messages:
        said = [block for block in message.blocks if block.type != "tool_result"]
        names |= {block.id: block.name for block in said if block.type == "tool_use"}
        for block in message.blocks:
            if block.type == "tool_result":
                yield Turn("tool", block.said, names.get(block.tool_use_id))
        if said:
            yield Turn(message.role, "\n".join(block.said for block in said))
