"""What the router and a model's adapter say to each other."""

from typing import Literal

from pydantic import Field

from signalbox.contracts.messages import Message, ResponseFormat, Tool, ToolCall, ToolChoice
from signalbox.contracts.model import Contract
from signalbox.contracts.requests import Sampling

ReasoningEffort = Literal["none", "minimal", "low", "medium", "high"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
FailureName = Literal[
    "ContextOverflow",
    "RateLimited",
    "DeadlineExceeded",
    "ProviderUnavailable",
    "InvalidRequest",
    "AuthenticationFailed",
    "ContentRefused",
    "MalformedReply",
]


class AdapterRequest(Contract):
    """One call of one model. The profile is already applied; the adapter only translates.

    ``deadline_at_ms`` is Unix time in milliseconds; past it nobody waits any more. Under ``receipt`` the adapter
    leaves what it was billed, and with ``keep_reply`` the reply itself, should nobody be there to take it.
    """

    request_id: str
    caller: str
    route: str
    model: str  # roster id
    provider_model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat = ResponseFormat()
    sampling: Sampling = Sampling()
    reasoning_effort: ReasoningEffort | None = None  # from the profile; None leaves it to the provider
    max_output_tokens: int
    user: str | None = None
    deadline_at_ms: int
    deadline_ms: int  # the limit as the caller knows it, for messages
    receipt: str | None = None
    keep_reply: bool = False
    attempt: str = ""  # tells calls of one model for one request apart
    logprobs: bool = False  # ask for log-probabilities where the provider gives them


class Usage(Contract):
    """Tokens as the provider bills them.

    ``input_tokens`` includes ``cached_input_tokens`` (read from the provider's prompt cache)
    and ``cache_write_tokens``; ``output_tokens`` includes ``reasoning_tokens``.
    """

    input_tokens: int = Field(default=0, ge=0)
    cached_input_tokens: int = Field(default=0, ge=0)
    cache_write_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)
    reasoning_tokens: int = Field(default=0, ge=0)


class AdapterReply(Contract):
    """What a model answered. ``refusal`` is its own words when it declined (content_filter)."""

    model: str  # roster id
    model_version: str  # as the provider named it in the reply
    provider_request_id: str | None
    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    refusal: str | None = None
    finish_reason: FinishReason
    usage: Usage
    cost_microusd: int = Field(ge=0)
    mean_logprob: float | None = None  # nats, over output tokens
    min_logprob: float | None = None
    mean_entropy: float | None = None  # nats a token, over the alternatives shown
    latency_ms: int = Field(ge=0)
    simulated: bool = False


class AdapterFailure(Contract):
    """Why there is no reply. ``name`` is of a closed set; ``message`` never holds prompt text or keys."""

    name: FailureName
    message: str
    model: str  # roster id
    status: int | None = None  # the provider's HTTP status
    provider_request_id: str | None = None
    retry_after_ms: int | None = None
    tokens: int | None = None  # ContextOverflow: what the provider counted
    limit: int | None = None  # ContextOverflow: its window in tokens; DeadlineExceeded: the limit in ms
    latency_ms: int = Field(default=0, ge=0)


class AdapterResult(Contract):
    """Exactly one of the two is set. Failures travel as data: Lambda may lose an exception's name."""

    reply: AdapterReply | None = None
    failure: AdapterFailure | None = None
