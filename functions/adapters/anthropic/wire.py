"""What Anthropic's Messages API answers, as far as Signalbox reads it.

Source: https://platform.claude.com/docs/en/api/messages/create and .../api/errors.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

StopReason = Literal[
    "end_turn", "stop_sequence", "max_tokens", "model_context_window_exceeded", "tool_use", "refusal", "pause_turn"
]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class TextBlock(_Wire):
    type: Literal["text"]
    text: str


class ToolUseBlock(_Wire):
    type: Literal["tool_use"]
    id: str
    name: str
    input: dict[str, Any]


class OtherBlock(_Wire):
    """Thinking, mostly: no part of the answer."""

    type: str


def _kind(block: Any) -> str:
    kind = block.get("type") if isinstance(block, dict) else getattr(block, "type", None)
    return kind if kind in ("text", "tool_use") else "other"


Block = Annotated[
    Annotated[TextBlock, Tag("text")] | Annotated[ToolUseBlock, Tag("tool_use")] | Annotated[OtherBlock, Tag("other")],
    Discriminator(_kind),
]


class OutputDetails(_Wire):
    thinking_tokens: int = Field(default=0, ge=0)


class MessageUsage(_Wire):
    """Tokens. The three kinds of input are apart; ``output_tokens`` includes thinking."""

    input_tokens: int = Field(ge=0)
    cache_creation_input_tokens: int | None = Field(default=None, ge=0)
    cache_read_input_tokens: int | None = Field(default=None, ge=0)
    output_tokens: int = Field(ge=0)
    output_tokens_details: OutputDetails | None = None


class StopDetails(_Wire):
    explanation: str | None = None


class MessageResponse(_Wire):
    id: str
    model: str
    content: tuple[Block, ...]
    stop_reason: StopReason
    stop_details: StopDetails | None = None
    usage: MessageUsage


class ErrorDetail(_Wire):
    type: str = ""
    message: str = ""


class ErrorResponse(_Wire):
    error: ErrorDetail
    request_id: str | None = None
