"""What was chosen, what was not, and why."""

from typing import Literal

from signalbox.contracts.model import Contract
from signalbox.contracts.signals import Signals

Plan = Literal["single"]
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
]


class Hop(Contract):
    """One model that may answer, sized before it is tried. Money in micro-dollars.

    ``probe``: it comes back from a cooling time, so one request at a time may try it.
    """

    model: str  # roster id
    provider: str
    provider_model: str  # the exact id sent to the provider
    window_tokens: int
    input_tokens: int  # estimated with the model's own factor, erring high
    max_output_tokens: int
    worst_cost_microusd: int
    typical_latency_ms: int | None = None
    profile_tokens: int = 0  # of input_tokens, what the profile's system prompt takes at most
    probe: bool = False


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

    @property
    def model(self) -> str | None:
        """Roster id of the choice, or None when every candidate was rejected."""
        return self.hops[0].model if self.hops else None
