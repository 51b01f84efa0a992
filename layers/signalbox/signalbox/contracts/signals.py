"""What is known of a request before a model is chosen."""

from typing import Literal

from pydantic import Field

from signalbox.contracts.model import Contract
from signalbox.contracts.requests import Mode, Priority, Workload
from signalbox.contracts.tags import Tags

Complexity = Literal["trivial", "bounded", "extended"]


class TokenCount(Contract):
    """Tokens by o200k_base of the texts that are sent: messages, tools, schema.

    ``value`` is exact when ``exact``; else it lies within ``lower..upper`` and no threshold
    that was asked about lies between the two, so every comparison comes out the same.
    ``framing`` is what the chat format adds around the texts; sizing counts it, matchers do not.
    """

    value: int = Field(ge=0)
    lower: int = Field(ge=0)
    upper: int = Field(ge=0)
    exact: bool
    framing: int = Field(default=0, ge=0)


class Signals(Contract):
    """Computed once per request. Matchers see these names (``tokens.value`` as token_count)."""

    path: str
    mode: Mode
    tier: str
    lane: str = ""  # empty: the caller named none
    workload: Workload
    convo_length: int  # user and assistant messages
    tokens: TokenCount
    tail_newline: bool  # in the last 500 characters of the latest user turn
    entropy: float  # bits per character of the latest user turn
    distinct_entities: int  # different matches of the policy's entity patterns
    has_code: bool
    has_tools: bool
    complexity: Complexity
    confidence: float  # 0..1, that a small model suffices
    needs_compliance_check: bool
    priority: Priority
    escalation: bool
    max_output_tokens: int | None
    deadline_ms: int | None  # what the caller asked for; the route's own applies when None
    hour: int  # 0..23, UTC
    tags: Tags | None = None  # None: the policy asks for none
