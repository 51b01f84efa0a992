"""A plan of several calls: what it works on, what each of its steps came to, and how it ended."""

from typing import Any, Literal

from pydantic import Field

from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.decisions import Decision, Plan
from signalbox.contracts.evidence import Confidence, Evidence, Lazy
from signalbox.contracts.ledger import AttemptFacts
from signalbox.contracts.passages import Passage
from signalbox.contracts.requests import InferenceRequest

Step = Literal["fast_pass", "judge", "verify", "escalate", "integrity"]
# What follows a judgement of the fast reply.
Verdict = Literal["accept", "verify", "escalate"]
# How the reply that a caller gets came to be the one. unverified: nobody stronger could look at it.
Resolution = Literal[
    "answered", "accepted", "confirmed", "corrected", "replaced", "escalated", "picked", "merged", "unverified"
]


class Violation(Lazy):
    """A break of what a reply owes. ``message`` is for people and models:
    ``field_mismatch merchant_id expected=INT got=STRING value="N/A"``."""

    kind: Literal["not_json", "field_mismatch", "citations", "missing_reference"]
    message: str
    path: str = ""


class StepResult(Lazy):
    """What one step came to. ``ordinal`` tells the second ``integrity`` from the first."""

    step: Step
    ordinal: int = 1
    attempts: tuple[AttemptFacts, ...] = ()
    reply: AdapterReply | None = None
    candidates: tuple[AdapterReply, ...] = ()  # rerank: what the stronger model chooses from
    resolution: Resolution | None = None
    verdict: Verdict | None = None
    evidence: Evidence | None = None
    confidence: Confidence | None = None
    violations: tuple[Violation, ...] = ()
    error: str | None = None  # the error's name
    reason: str | None = None  # for people
    at_ms: int = 0  # Unix

    @property
    def spent_microusd(self) -> int:
        return sum(one.cost_microusd for one in self.attempts)


class Job(Lazy):
    """One request under a plan. ``request`` has the whole conversation and the passages that may be cited.

    Unix milliseconds. What is spent never passes ``ceiling_microusd``. ``prompt``: JSON, where the route keeps it.
    """

    request: InferenceRequest
    decision: Decision
    arrived_at_ms: int
    deadline_at_ms: int
    ceiling_microusd: int = Field(ge=0)
    passages: tuple[Passage, ...] = ()
    receipt: str
    prompt: str | None = None

    @property
    def plan(self) -> Plan:
        return self.decision.plan


class Failure(Lazy):
    """An error as it is kept: one of ``contracts.errors`` by its HTTP status."""

    status: int
    code: str
    message: str
    param: str | None = None
    retry_after_ms: int | None = None


class Conclusion(Lazy):
    """How a plan ended: exactly one of ``reply`` and ``failure``. ``reason`` says why it is not better."""

    reply: AdapterReply | None = None
    failure: Failure | None = None
    resolution: Resolution | None = None
    reason: str | None = None
    confidence: Confidence | None = None
    violations: tuple[Violation, ...] = ()
    cost_microusd: int = Field(default=0, ge=0)
    concluded_at_ms: int = 0


class Progress(Lazy):
    """A job, what its steps came to so far in their order, and its conclusion once there is one."""

    job: Job
    results: tuple[StepResult, ...] = ()
    begun: tuple[str, ...] = ()  # verify-1: somebody began it, whether or not its result is there
    conclusion: Conclusion | None = None

    def of(self, step: Step, ordinal: int = 1) -> StepResult | None:
        return next((one for one in self.results if (one.step, one.ordinal) == (step, ordinal)), None)

    @property
    def spent_microusd(self) -> int:
        return sum(one.spent_microusd for one in self.results)


class Start(Lazy):
    """The machine's input: small, no words of anybody's. ``at``: the state that it begins with."""

    caller: str
    request_id: str
    plan: Plan
    at: Literal["fast_pass", "judge", "verify", "escalate"]
    deadline_at_ms: int
    ceiling_microusd: int


class Ran(Lazy):
    """How an execution that was waited for ended. A failed one answers 200 all the same, so ``status`` is what counts.

    ``unknown``: it may run or have run, and its answer was lost.
    """

    status: Literal["succeeded", "failed", "timed_out", "unknown", "unreachable"]
    error: str | None = None
    execution: str | None = None


class ReplyHead(Lazy):
    """What is to be known of a plan's reply without its words. Unix milliseconds."""

    caller: str
    request_id: str
    plan: Plan
    created_at_ms: int
    ends_at_ms: int  # past it nobody works on it any more
    conversation_id: str | None = None
    facts: dict[str, Any] = Field(default_factory=dict)  # the ``signalbox`` object of the preliminary reply
