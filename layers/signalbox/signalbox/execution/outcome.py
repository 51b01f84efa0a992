"""How a plan ended, and the error it becomes when no reply came of it."""

from collections.abc import Iterable
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
from signalbox.contracts.evidence import Confidence
from signalbox.contracts.ledger import AttemptFacts
from signalbox.contracts.plans import Conclusion, Failure, Resolution, Violation

_BY_STATUS: dict[int, type[SignalboxError]] = {
    kind.status: kind for kind in (BadRequest, RateLimited, Unavailable, UpstreamFailed, DeadlinePassed, Unprocessable)
}
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
    name: str = ""  # of a plan with several calls: which of them

    @property
    def may_be_billed(self) -> bool:
        """No reply came back, but the model may have answered and been paid: only its receipt tells."""
        if self.skipped or self.failure is None:
            return False
        unheard = self.failure.name == "ProviderUnavailable" and self.failure.status is None
        return unheard or self.failure.name in _MAY_BE_BILLED

    @property
    def most_microusd(self) -> int:
        """What it cost; the worst price of its hop where the provider may have billed it unheard."""
        if self.reply is not None:
            return self.reply.cost_microusd
        return self.hop.worst_cost_microusd if self.hop and self.may_be_billed else 0


@dataclass(frozen=True)
class Outcome:
    """``reply`` of the last attempt, or the ``error`` that the caller is told; never both.

    ``resolution`` says how it came to be the one, ``reason`` why it is not better. ``spent_microusd`` where the
    attempts are known by their facts alone.
    """

    reply: AdapterReply | None
    error: SignalboxError | None
    attempts: tuple[Attempt, ...]
    resolution: Resolution = "answered"
    reason: str | None = None
    confidence: Confidence | None = None
    violations: tuple[Violation, ...] = ()
    spent_microusd: int | None = None
    preliminary: bool = False

    @property
    def cost_microusd(self) -> int:
        """What every reply cost together, also those that were not used."""
        if self.spent_microusd is not None:
            return self.spent_microusd
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


def contract_broken(violations: Iterable[Violation]) -> SignalboxError:
    told = "; ".join(one.message for one in violations)
    return Unprocessable("contract_broken", f"No reply meets what it owes. {told}.")


def concluded(conclusion: Conclusion, attempts: Iterable[AttemptFacts]) -> Outcome:
    """A plan's end as an outcome."""
    return Outcome(
        conclusion.reply,
        _error(conclusion.failure) if conclusion.failure else None,
        tuple(map(_attempt, attempts)),
        resolution=conclusion.resolution or "unverified",
        reason=conclusion.reason,
        confidence=conclusion.confidence,
        violations=conclusion.violations,
        spent_microusd=conclusion.cost_microusd,
    )


def _error(failure: Failure) -> SignalboxError:
    kind = _BY_STATUS.get(failure.status, Unavailable)
    return kind(failure.code, failure.message, param=failure.param, retry_after_ms=failure.retry_after_ms)


def _attempt(facts: AttemptFacts) -> Attempt:
    failure = (
        AdapterFailure(name=facts.failure, message=facts.message or facts.failure, model=facts.model)
        if facts.failure
        else None
    )
    return Attempt(facts.model, None, failure, facts.latency_ms, name=facts.attempt)
