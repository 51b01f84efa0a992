"""What Chat Completions answers, as far as Signalbox reads it.

Source: https://developers.openai.com/api/reference/resources/chat. What OpenAI always sends but
compatible servers (vLLM, Ollama, llama.cpp) leave out or set to null is optional here.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FinishReason = Literal["stop", "length", "tool_calls", "function_call", "content_filter"]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class FunctionCall(_Wire):
    name: str
    arguments: str


class ToolCall(_Wire):
    id: str | None = None
    function: FunctionCall


class ChatMessage(_Wire):
    content: str | None = None
    refusal: str | None = None
    tool_calls: tuple[ToolCall, ...] | None = None


class Alternative(_Wire):
    logprob: float


class TokenLogprob(_Wire):
    logprob: float
    top_logprobs: tuple[Alternative, ...] | None = None


class Logprobs(_Wire):
    content: tuple[TokenLogprob, ...] | None = None


class Choice(_Wire):
    message: ChatMessage
    finish_reason: FinishReason
    logprobs: Logprobs | None = None


class PromptDetails(_Wire):
    cached_tokens: int | None = Field(default=None, ge=0)
    cache_write_tokens: int | None = Field(default=None, ge=0)


class CompletionDetails(_Wire):
    reasoning_tokens: int | None = Field(default=None, ge=0)


class ChatUsage(_Wire):
    """Tokens. ``prompt_tokens`` includes the cached ones, ``completion_tokens`` the reasoning."""

    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None


class ChatCompletion(_Wire):
    id: str | None = None
    model: str | None = None
    choices: tuple[Choice, ...] = Field(min_length=1)
    usage: ChatUsage


class ErrorDetail(_Wire):
    """``code`` is a word at OpenAI, the status at vLLM. The last two are llama.cpp's."""

    message: str = ""
    type: str | None = None
    param: str | None = None
    code: str | int | None = None
    n_prompt_tokens: int | None = None
    n_ctx: int | None = None


class ErrorResponse(_Wire):
    error: ErrorDetail | str
