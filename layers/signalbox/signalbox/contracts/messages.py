"""What is said: messages, tool calls, tools and the form a reply must take."""

from typing import Any, Literal

from signalbox.contracts.model import Contract

Role = Literal["system", "user", "assistant", "tool"]


class TextPart(Contract):
    """One piece of text. Providers that take several parts get them apart."""

    type: Literal["text"] = "text"
    text: str


class ToolCall(Contract):
    """A call the assistant asked for. ``arguments`` is JSON text, as it came."""

    id: str
    name: str
    arguments: str


class Message(Contract):
    """One turn. ``tool_calls`` only on assistant turns; ``tool_call_id`` only on tool turns."""

    role: Role
    content: tuple[TextPart, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        """The parts as one string, joined by newlines."""
        return "\n".join(part.text for part in self.content)


class Tool(Contract):
    """A function the caller offers. ``parameters`` is a JSON Schema object."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ToolChoice(Contract):
    """``function`` names the one tool that must be called; the other modes name none."""

    mode: Literal["auto", "none", "required", "function"] = "auto"
    name: str | None = None


class ResponseFormat(Contract):
    """``json_schema`` carries ``schema_`` (JSON Schema) and a ``name``; the others neither."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    name: str | None = None
    schema_: dict[str, Any] | None = None
    strict: bool | None = None
