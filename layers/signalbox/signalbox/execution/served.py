"""How a request ended: with an answer or with an error, and everything that is to be known of it."""

from dataclasses import dataclass, field

from signalbox.contracts.answers import Answer
from signalbox.contracts.decisions import Decision
from signalbox.contracts.errors import SignalboxError, Unavailable
from signalbox.contracts.ledger import Replay
from signalbox.contracts.requests import InferenceRequest
from signalbox.execution.outcome import Outcome
from signalbox.idempotency.cache import CacheControl

NO_OUTCOME = Outcome(None, None, ())


@dataclass(frozen=True)
class Asked:
    """A request and what its headers say of it.

    ``arrived_at_ms`` is Unix milliseconds; ``whole``: in its dialect a message list is the whole conversation.
    """

    request: InferenceRequest
    arrived_at_ms: int
    idempotency_key: str | None = None
    cache: CacheControl = field(default_factory=CacheControl)
    whole: bool = False


@dataclass(frozen=True)
class Served:
    """Exactly one of ``answer`` and ``error``. ``outcome`` has the attempts; none where no model was asked."""

    answer: Answer | None
    error: SignalboxError | None
    decision: Decision | None = None
    outcome: Outcome = NO_OUTCOME
    headers: dict[str, str] = field(default_factory=dict)
    replay: Replay | None = None
    unrecorded: bool = False  # the ledger could not be told; what was held is settled when its lease ends


def no_state() -> SignalboxError:
    return Unavailable("state_unavailable", "The router's own state could not be reached.", retry_after_ms=1_000)
