"""Messages and tools as both dialects take them, and what they mean."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from signalbox.contracts.errors import BadRequest
from signalbox.contracts.messages import Message, TextPart, Tool, ToolCall, ToolChoice
from signalbox.dialects.wire import Refused, Wire, only, refuse_types, text_or

MAX_MESSAGES = 10_000  # a message costs 20 microseconds whatever its length; 5 MB could hold 165,000

Text = Annotated[str, Tag("<text>")]


class PartBody(Wire):
    """A piece of content: ``text``, or ``refusal`` in an assistant's."""

    type: Literal["text", "refusal"]
    text: str | None = None
    refusal: str | None = None
    prompt_cache_breakpoint: Refused


class CalledFunction(Wire):
    name: str = Field(min_length=1)
    arguments: str = Field(description="JSON text, as the model wrote it.")


class ToolCallBody(Wire):
    id: str = Field(min_length=1)
    type: Literal["function"] = "function"
    function: CalledFunction


MadeCall = Annotated[ToolCallBody, refuse_types("unsupported_parameter", "custom")]
Part = Annotated[PartBody, refuse_types("unsupported_content", "image_url", "input_audio", "file")]
Parts = Annotated[list[Part], Field(min_length=1, fail_fast=True), Tag("<parts>")]


class MessageBody(Wire):
    """One message of any role; ``developer`` means ``system``."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Annotated[Text | Parts, Discriminator(text_or("<parts>"))] | None = None
    refusal: str | None = None
    name: str | None = Field(default=None, description="Only in a tool's message: the function that was called.")
    tool_calls: Annotated[list[MadeCall], Field(fail_fast=True)] | None = None
    tool_call_id: str | None = None
    annotations: Annotated[list[Any] | None, only([])] = None
    audio: Refused
    function_call: Refused


MessageList = Annotated[list[MessageBody], Field(max_length=MAX_MESSAGES, fail_fast=True)]


class FunctionBody(Wire):
    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    description: str | None = None
    parameters: dict[str, Any] | None = Field(default=None, description="A JSON Schema object.")
    strict: bool | None = None


class ToolBody(Wire):
    type: Literal["function"]
    function: FunctionBody


class ChosenFunction(Wire):
    name: str = Field(min_length=1)


class ToolChoiceBody(Wire):
    type: Literal["function"]
    function: ChosenFunction


OfferedTool = Annotated[ToolBody, refuse_types("unsupported_parameter", "custom")]
ChoiceMode = Annotated[Literal["auto", "none", "required"], Tag("<text>")]
Choice = Annotated[
    ChoiceMode | Annotated[ToolChoiceBody, Tag("<named>")],
    Discriminator(text_or("<named>")),
    refuse_types("unsupported_parameter", "custom", "allowed_tools"),
]


def to_messages(bodies: Sequence[MessageBody], param: str) -> tuple[Message, ...]:
    """The conversation. Raises ``BadRequest`` when it makes no sense; ``param`` is the list's own name.

    Every tool message must answer an earlier call, and the last turn must be a user's or a tool's.
    """
    if not bodies:
        raise BadRequest("invalid_value", f"{param} must hold at least one message.", param=param)
    called: dict[str, str] = {}  # function by call id
    messages = []
    for index, body in enumerate(bodies):
        where = f"{param}[{index}]"
        message = _to_message(body, where)
        if message.role == "tool":
            _check_answer(body, called, where)
        called.update({call.id: call.name for call in message.tool_calls})
        messages.append(message)
    _check_last_turn(messages, param)
    return tuple(messages)


def _to_message(body: MessageBody, where: str) -> Message:
    if body.role != "tool":
        _only_on("tool", where, unsupported="name", name=body.name, tool_call_id=body.tool_call_id)
    if body.role != "assistant":
        _only_on("assistant", where, refusal=body.refusal, tool_calls=body.tool_calls)
    content = _to_parts(body, where)
    calls = tuple(
        ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments)
        for call in body.tool_calls or ()
    )
    if not content and not calls:
        raise BadRequest("missing_parameter", f"{where}.content is required.", param=f"{where}.content")
    if body.role in ("user", "assistant") and not calls and not any(part.text for part in content):
        # Some providers refuse an empty turn, and the answer must not depend on the route.
        raise BadRequest("invalid_value", f"{where}.content is empty.", param=f"{where}.content")
    return Message(
        role="system" if body.role == "developer" else body.role,
        content=content,
        tool_calls=calls,
        tool_call_id=body.tool_call_id,
    )


def _only_on(role: str, where: str, *, unsupported: str = "", **values: object) -> None:
    for name, value in values.items():
        if value not in (None, []):
            code = "unsupported_parameter" if name == unsupported else "invalid_value"
            raise BadRequest(code, f"{where}.{name} is for {role} messages only.", param=f"{where}.{name}")


def _to_parts(body: MessageBody, where: str) -> tuple[TextPart, ...]:
    """Content, then the refusal. A bare "" beside tool calls or a refusal says nothing, so it is none."""
    refusal = (TextPart(text=body.refusal),) if body.refusal else ()
    if body.content is None or (body.content == "" and (body.tool_calls or refusal)):
        return refusal
    if isinstance(body.content, str):
        return (TextPart(text=body.content), *refusal)
    parts = (_to_part(part, body.role, f"{where}.content[{at}]") for at, part in enumerate(body.content))
    return (*parts, *refusal)


def _to_part(part: PartBody, role: str, where: str) -> TextPart:
    if part.type == "refusal" and role != "assistant":
        raise BadRequest("unsupported_content", "Only an assistant's message may hold a refusal.", param=where)
    text, stray = (part.text, part.refusal) if part.type == "text" else (part.refusal, part.text)
    if text is None:
        raise BadRequest("missing_parameter", f"{where}.{part.type} is required.", param=f"{where}.{part.type}")
    if stray is not None:
        raise BadRequest("invalid_value", f"A {part.type} part holds {part.type} alone.", param=where)
    return TextPart(text=text)


def _check_answer(body: MessageBody, called: dict[str, str], where: str) -> None:
    param = f"{where}.tool_call_id"
    if not body.tool_call_id:
        raise BadRequest("missing_parameter", f"{param} is required.", param=param)
    if body.tool_call_id not in called:
        raise BadRequest("invalid_value", f"{param} answers no earlier tool call.", param=param)
    if body.name is not None and body.name != called[body.tool_call_id]:
        raise BadRequest("invalid_value", f"{where}.name is not the function that was called.", param=f"{where}.name")


def _check_last_turn(messages: Sequence[Message], param: str) -> None:
    """Providers disagree on continuing an assistant's turn, so that is refused; system messages are no turn."""
    turns = [(index, message.role) for index, message in enumerate(messages) if message.role != "system"]
    if not turns:
        raise BadRequest("invalid_value", f"{param} must hold a user's message.", param=param)
    index, role = turns[-1]
    if role == "assistant":
        what = "The last turn must be a user's or a tool's; continuing an assistant's is not supported."
        raise BadRequest("unsupported_content", what, param=f"{param}[{index}]")


def to_tools(bodies: Sequence[ToolBody] | None) -> tuple[Tool, ...]:
    """The tools offered. Raises ``BadRequest`` when two share a name."""
    tools = tuple(Tool(**body.function.model_dump()) for body in bodies or ())
    names: set[str] = set()
    for index, tool in enumerate(tools):
        if tool.name in names:
            param = f"tools[{index}].function.name"
            raise BadRequest("invalid_value", "Two tools have the same name.", param=param)
        names.add(tool.name)
    return tools


def to_tool_choice(body: str | ToolChoiceBody | None, tools: Sequence[Tool]) -> ToolChoice | None:
    """Which tool must be called. Raises ``BadRequest`` for one that is not offered."""
    if body is None:
        return None
    if isinstance(body, str):
        if body == "required" and not tools:
            raise BadRequest("invalid_value", "tool_choice needs tools to choose from.", param="tool_choice")
        return ToolChoice.model_validate({"mode": body})
    if all(tool.name != body.function.name for tool in tools):
        raise BadRequest("invalid_value", "tool_choice names no tool offered.", param="tool_choice.function.name")
    return ToolChoice(mode="function", name=body.function.name)
