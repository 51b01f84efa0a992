"""What ``models.generateContent`` answers, as far as Signalbox reads it.

Source: https://ai.google.dev/api/generate-content. Proto3 JSON leaves out zeros and empty
lists, hence the defaults.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)


class FunctionCall(_Wire):
    name: str
    args: dict[str, Any] = Field(default_factory=dict)
    id: str | None = None


class Part(_Wire):
    """``thought`` marks a summary of the reasoning; it is no part of the answer."""

    text: str | None = None
    thought: bool = False
    function_call: FunctionCall | None = None
    thought_signature: str | None = None


class Content(_Wire):
    parts: tuple[Part, ...] = ()


class ChosenToken(_Wire):
    log_probability: float


class TopTokens(_Wire):
    candidates: tuple[ChosenToken, ...] = ()


class LogprobsResult(_Wire):
    """``top_candidates`` has as many entries as ``chosen_candidates``, or none."""

    chosen_candidates: tuple[ChosenToken, ...] = ()
    top_candidates: tuple[TopTokens, ...] = ()


class Candidate(_Wire):
    content: Content = Content()
    finish_reason: str
    avg_logprobs: float | None = None
    logprobs_result: LogprobsResult = LogprobsResult()


class PromptFeedback(_Wire):
    block_reason: str | None = None


class UsageMetadata(_Wire):
    """Tokens. ``prompt_token_count`` includes the cached ones; thoughts are apart from candidates."""

    prompt_token_count: int = 0
    cached_content_token_count: int = 0
    candidates_token_count: int = 0
    thoughts_token_count: int = 0
    tool_use_prompt_token_count: int = 0


class GenerateContentResponse(_Wire):
    candidates: tuple[Candidate, ...] = ()
    prompt_feedback: PromptFeedback = PromptFeedback()
    usage_metadata: UsageMetadata | None = None
    model_version: str | None = None
    response_id: str | None = None


class FieldViolation(_Wire):
    field: str = ""


class ErrorDetail(_Wire):
    """One of google.rpc's details, told apart by the fields it has."""

    reason: str | None = None  # ErrorInfo
    retry_delay: str | None = None  # RetryInfo, such as "31.5s"
    field_violations: tuple[FieldViolation, ...] = ()  # BadRequest


class ErrorStatus(_Wire):
    message: str = ""
    status: str = ""
    details: tuple[ErrorDetail, ...] = ()


class ErrorResponse(_Wire):
    error: ErrorStatus
