"""What Bedrock's Converse answers, as far as Signalbox reads it.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)


class ToolUse(_Wire):
    tool_use_id: str
    name: str
    input: dict[str, Any] = Field(default_factory=dict)


class ContentBlock(_Wire):
    """Exactly one is set; neither is for reasoning, which is no part of the answer."""

    text: str | None = None
    tool_use: ToolUse | None = None


class ReplyMessage(_Wire):
    content: tuple[ContentBlock, ...]


class Output(_Wire):
    message: ReplyMessage


class TokenUsage(_Wire):
    """Tokens. ``input_tokens`` leaves out what the cache gave and took."""

    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int = 0
    cache_write_input_tokens: int = 0


class PromptRouter(_Wire):
    invoked_model_id: str | None = None


class Trace(_Wire):
    prompt_router: PromptRouter = PromptRouter()


class ConverseResponse(_Wire):
    output: Output
    stop_reason: str
    usage: TokenUsage
    trace: Trace = Trace()


class ErrorResponse(BaseModel):
    """The body of an error; its code is usually in a header. Services differ in the case of ``message``."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    message: str | None = None
    Message: str | None = None
    type_: str | None = Field(default=None, alias="__type")
    code: str | None = None
