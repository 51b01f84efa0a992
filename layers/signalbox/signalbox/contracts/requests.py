"""One request, whatever dialect it came in."""

import re
from typing import Annotated, Literal

from pydantic import Field

from signalbox.contracts.conversations import History, Snapshot, Spoken
from signalbox.contracts.messages import Message, ResponseFormat, Tool, ToolChoice
from signalbox.contracts.model import Contract

Workload = Literal["chat", "classify", "extract", "summarize"]
Priority = Literal["low", "normal", "high"]
Mode = Literal["live", "canary"]


# What a caller may name a conversation.
_CONVERSATION_ID = r"^[A-Za-z0-9._:-]{1,128}$"
ConversationId = Annotated[str, Field(pattern=_CONVERSATION_ID)]
# What a request is for, in the words of policy and caller; only routes read it.
Lane = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Tier = Literal["standard", "premium"]


def is_conversation_id(text: str) -> bool:
    """Whether a caller may name a conversation so."""
    return re.fullmatch(_CONVERSATION_ID, text) is not None


class Sampling(Contract):
    """How the model draws its words. ``None`` leaves it to the profile, then the provider."""

    temperature: float | None = None
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None


class InferenceRequest(Contract):
    """What a caller wants answered.

    ``model`` is ``auto``, a role or a roster id. ``confidence`` is the caller's own estimate
    in 0..1 that a small model suffices. ``deadline_ms`` counts from the request's arrival.
    With a ``conversation_id``, ``messages`` are its new turns or all of it (``conversation_history`` says
    which); once the conversation is opened they are the new turns alone, and ``snapshot`` has the figures of
    the whole and ``recent`` the last words before them.
    """

    request_id: str
    caller: str
    tier: str = "standard"
    key_id: str = ""
    path: str
    model: str = "auto"
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat = ResponseFormat()
    sampling: Sampling = Sampling()
    max_output_tokens: int | None = Field(default=None, ge=1)
    user: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    stream: bool = False
    stream_usage: bool = False
    id: str | None = None
    mode: Mode = "live"
    conversation_id: ConversationId | None = None
    conversation_history: History = "auto"
    snapshot: Snapshot | None = None
    recent: tuple[Spoken, ...] = ()  # of its conversation, just before the new turns
    bound_to: str | None = None  # the pin of an earlier turn of its conversation
    workload: Workload | None = None
    priority: Priority = "normal"
    escalation: bool = False
    lane: Lane | None = None
    needs_compliance_check: bool = False
    confidence: float | None = Field(default=None, ge=0, le=1)
    deadline_ms: int | None = Field(default=None, ge=1)
    max_cost_microusd: int | None = Field(default=None, ge=1)  # of one call, and of a whole plan
