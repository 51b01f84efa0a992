"""What was chosen, what was not, and why."""

from typing import Any, Literal

from pydantic import Field

from signalbox.contracts.model import Contract
from signalbox.contracts.signals import Signals

# single: one model answers. cascade: a fast one, and a stronger one where that is not sure enough; the caller waits.
# verify: the fast reply at once, and later what a stronger model makes of it. rerank: a stronger model chooses among
# several fast replies.
Plan = Literal["single", "cascade", "verify", "rerank"]
# What a hop is for. sample: one more reply of the fast model. self_check: whether it stands by its reply.
HopStep = Literal["answer", "sample", "self_check", "verify", "escalate"]
RejectionReason = Literal[
    "window",
    "output_cap",
    "unsupported",
    "compliance",
    "retired",
    "maintenance",
    "price",
    "deadline",
    "unpriced",
    "health",
    "gate",
    "verification",
]


class Hop(Contract):
    """One model that may answer, sized before it is tried. Money in micro-dollars.

    ``probe``: it comes back from a cooling time, so one request at a time may try it. Hops of the same ``step``
    stand in for each other, but for samples, which are all asked.
    """

    model: str  # roster id
    provider: str
    provider_model: str  # the exact id sent to the provider
    window_tokens: int
    input_tokens: int  # estimated with the model's own factor, erring high
    max_output_tokens: int
    worst_cost_microusd: int
    typical_latency_ms: int | None = None
    profile_tokens: int = 0  # of input_tokens, what is put beside the request's own words, at most
    probe: bool = False
    step: HopStep = "answer"


class Terms(Contract):
    """What its route asks of a reply, and how far the plan goes for it.

    A fast reply is final from ``accept`` on; under ``escalate`` the stronger model answers anew; in between it looks
    at the fast reply. ``must_verify``: without the stronger model's word no reply is final. ``contract`` is a JSON
    Schema. Citations are of the passages that were put before the model.
    """

    accept: float = Field(default=0.8, ge=0, le=1)
    escalate: float = Field(default=0.5, ge=0, le=1)
    self_check: bool = False
    samples: int = Field(default=1, ge=1)  # fast replies; of rerank, the candidates
    must_verify: bool = False
    contract: dict[str, Any] | None = None
    citations: int = Field(default=0, ge=0)  # at least
    collection: str | None = None
    webhook: str | None = None
    verify_within_ms: int = Field(default=60_000, ge=1)  # after the preliminary reply
    ceiling_microusd: int | None = None  # of the whole plan

    @property
    def demands(self) -> bool:
        """Whether a reply owes anything that can be checked."""
        return self.contract is not None or self.collection is not None


class Rejection(Contract):
    """A candidate that was not tried. ``detail`` carries the figures, ``params`` the request's fields at fault,
    ``retry_after_ms`` when the reason may have passed."""

    model: str
    reason: RejectionReason
    detail: str
    params: tuple[str, ...] = ()
    retry_after_ms: int | None = None


class Decision(Contract):
    """``hops`` in the order they may be tried; the first is the choice. Empty: nobody may answer."""

    route: str
    role: str | None
    plan: Plan
    pinned: bool  # compliance-bound: no hop outside ``hops[0]``, ever
    deadline_ms: int
    hops: tuple[Hop, ...]
    rejected: tuple[Rejection, ...]
    reasons: tuple[str, ...]
    signals: Signals
    policy_version: str
    terms: Terms = Terms()

    def hops_for(self, step: HopStep) -> tuple[Hop, ...]:
        """In the order they may be tried."""
        return tuple(hop for hop in self.hops if hop.step == step)

    @property
    def model(self) -> str | None:
        """Roster id of the choice, or None when every candidate was rejected."""
        return self.hops[0].model if self.hops else None
