"""How a plan ended, and the error it becomes when no reply came of it."""

from dataclasses import dataclass

from signalbox.contracts.adapters import AdapterFailure, AdapterReply
from signalbox.contracts.decisions import Hop
from signalbox.contracts.errors import (
    BadRequest,
    DeadlinePassed,
    RateLimited,
    SignalboxError,
    Unavailable,
    Unprocessable,
    UpstreamFailed,
)

# Nobody waited for the reply, or it came back in pieces.
_MAY_BE_BILLED = {"DeadlineExceeded", "MalformedReply"}


@dataclass(frozen=True)
class Attempt:
    """One hop that was tried: its reply or its failure, and how long it took.

    ``skipped``: the model was not called, as another request makes its probe; ``failure`` says so. ``hop`` is None
    where a reply was not asked for but found again.
    """

    model: str
    reply: AdapterReply | None
    failure: AdapterFailure | None
    latency_ms: int = 0
    hop: Hop | None = None
    skipped: bool = False

    @property
    def may_be_billed(self) -> bool:
        """No reply came back, but the model may have answered and been paid: only its receipt tells."""
        if self.skipped or self.failure is None:
            return False
        unheard = self.failure.name == "ProviderUnavailable" and self.failure.status is None
        return unheard or self.failure.name in _MAY_BE_BILLED


@dataclass(frozen=True)
class Outcome:
    """``reply`` of the last attempt, or the ``error`` that the caller is told; never both."""

    reply: AdapterReply | None
    error: SignalboxError | None
    attempts: tuple[Attempt, ...]

    @property
    def cost_microusd(self) -> int:
        """What every reply cost together, also those that were not used."""
        return sum(attempt.reply.cost_microusd for attempt in self.attempts if attempt.reply)


def as_error(failure: AdapterFailure, deadline_ms: int) -> SignalboxError:
    """The HTTP error for the failure that ended a plan."""
    match failure.name:
        case "ContextOverflow":
            return Unprocessable("context_length_exceeded", _overflow(failure), param="messages")
        case "RateLimited":
            return RateLimited("rate_limit_exceeded", failure.message, retry_after_ms=failure.retry_after_ms)
        case "DeadlineExceeded":
            return DeadlinePassed(
                "model_inference_deadline_exceeded",
                f"model_inference_deadline_exceeded at {deadline_ms}ms ({failure.model})",
            )
        case "ProviderUnavailable":
            return Unavailable("provider_unavailable", failure.message, retry_after_ms=failure.retry_after_ms)
        case "InvalidRequest":
            return BadRequest("provider_rejected_request", failure.message)
        case "ContentRefused":
            return BadRequest("content_refused", failure.message)
        case "AuthenticationFailed":
            return UpstreamFailed("provider_authentication_failed", failure.message)
        case "MalformedReply":
            return UpstreamFailed("malformed_reply", failure.message)


def _overflow(failure: AdapterFailure) -> str:
    return f"context window exceeded: tokens={failure.tokens} limit={failure.limit} ({failure.model})"
