"""One request on record: who, what was decided, every attempt, what it held and what it cost. No words of it."""

from typing import Literal

from pydantic import Field

from signalbox.contracts.adapters import FailureName, Usage
from signalbox.contracts.decisions import Decision
from signalbox.contracts.evidence import Evidence
from signalbox.contracts.model import Contract
from signalbox.contracts.quotas import Hold

# open: the request runs, or its process died and the lease has not ended. settled: its cost is known.
# orphaned: its process died; the worst price is booked until the provider's usage is known.
State = Literal["open", "settled", "orphaned"]


class AttemptFacts(Contract):
    """One call of one model. Money in micro-dollars."""

    model: str  # roster id
    attempt: str = ""  # of a plan with several calls, the step of its hop: verify, sample-2; empty for the answer
    model_version: str | None = None
    provider_request_id: str | None = None
    usage: Usage = Usage()
    cost_microusd: int = Field(default=0, ge=0)
    latency_ms: int = Field(default=0, ge=0)
    failure: FailureName | None = None
    message: str | None = None  # the failure's; never prompt text
    may_be_billed: bool = False  # no reply came, and yet the provider may have billed one
    recovered: bool = False  # the reply of an earlier request of the same idempotency key, found again


class Replay(Contract):
    """Where a reply came from when no model was asked. ``age_s`` in seconds."""

    by: Literal["idempotency", "cache"]
    request_id: str  # that the model was asked for
    age_s: int = Field(ge=0)


class StepFacts(Contract):
    """What one step of a plan came to, without a word of it. ``violations`` are kinds."""

    step: str
    ordinal: int = 1
    at_ms: int
    verdict: str | None = None
    resolution: str | None = None
    confidence: float | None = None
    evidence: Evidence | None = None  # figures alone; with the resolution it says how good a judge was
    violations: tuple[str, ...] = ()
    error: str | None = None
    spent_microusd: int = 0


class Entry(Contract):
    """The ledger's item of one request. Times are Unix milliseconds.

    ``receipt`` is the partition under which the adapters of this request leave their receipts.
    ``prompt`` and ``reply`` only where the route says ``keep_text``.
    """

    caller: str
    request_id: str
    key_id: str = ""
    path: str
    opened_at_ms: int
    state: State = "settled"
    decision: Decision | None = None
    conversation_id: str | None = None
    prefix_hash: str | None = None  # of what was said before, in its conversation
    idempotency_key_hash: str | None = None
    replay: Replay | None = None
    cache: Literal["stored", "hit", "bypassed"] | None = None
    receipt: str | None = None
    holds: tuple[Hold, ...] = ()
    lease_ends_at_ms: int | None = None
    reserved_microusd: int = Field(default=0, ge=0)
    booked_microusd: int = Field(default=0, ge=0)  # the actual cost once settled; the worst while orphaned
    attempts: tuple[AttemptFacts, ...] = ()
    steps: tuple[StepFacts, ...] = ()  # of a plan with several calls
    resolution: str | None = None  # how the reply came to be the one
    confidence: float | None = None  # that the reply is good enough
    status: int | None = None  # HTTP
    error: str | None = None  # the error's code
    settled_at_ms: int | None = None
    latency_ms: int | None = None
    prompt: str | None = None  # JSON of the messages
    reply: str | None = None  # JSON of the adapter's reply
