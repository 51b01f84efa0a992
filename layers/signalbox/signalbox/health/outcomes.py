"""What one attempt says of its model, and what it only says of the request or of our own gate. Pure."""

from enum import Enum

from signalbox.contracts.adapters import AdapterFailure, AdapterResult
from signalbox.contracts.decisions import Decision, Hop
from signalbox.health.averages import Sample

# A deadline speaks against the model only if it was given this long: a caller in a hurry must not be able to shut
# a model for everybody.
PATIENCE_MS, LONGEST_PATIENCE_MS = 10_000, 20_000
TIMES_TYPICAL = 2
# Billed input includes the profile's prompt, whose tokens nobody counted: below this share of the texts they change
# the ratio by little, and only upwards.
PROFILE_SHARE = 0.25


class Kind(Enum):
    """``GATE``: our own gate was full, the model was not asked. ``THROTTLED``: its provider said 429."""

    WELL = "well"
    ILL = "ill"
    GATE = "gate"
    THROTTLED = "throttled"
    NOTHING = "nothing"


def kind_of(hop: Hop, result: AdapterResult, latency_ms: int) -> Kind:
    """A request that is wrong in itself was answered by a model that is well.

    A provider's 429 with Retry-After is not an error, as it shuts the model for that long; one without is.
    """
    failure = result.failure
    if failure is None:
        return Kind.WELL
    match failure.name:
        case "InvalidRequest" | "ContentRefused" | "ContextOverflow":
            return Kind.WELL
        case "RateLimited":
            return Kind.GATE if failure.status is None else Kind.THROTTLED
        case "DeadlineExceeded":
            return Kind.ILL if latency_ms >= patience_ms(hop) else Kind.NOTHING
        case "ProviderUnavailable" | "MalformedReply" | "AuthenticationFailed":
            return Kind.ILL


def patience_ms(hop: Hop) -> int:
    typical = hop.typical_latency_ms
    return PATIENCE_MS if typical is None else min(TIMES_TYPICAL * typical, LONGEST_PATIENCE_MS)


def asked_to_wait_ms(failure: AdapterFailure | None) -> int | None:
    """A provider's own Retry-After; our gate's is no word of the model's."""
    if failure is None or failure.name != "RateLimited" or failure.status is None:
        return None
    return failure.retry_after_ms


def sample(kind: Kind, hop: Hop, decision: Decision, result: AdapterResult, latency_ms: int) -> Sample | None:
    """What goes into the averages; None for nothing."""
    if kind in (Kind.GATE, Kind.NOTHING) or (kind is Kind.THROTTLED and asked_to_wait_ms(result.failure)):
        return None
    if result.reply is None:
        return Sample(error=kind is not Kind.WELL)
    tokens = decision.signals.tokens
    estimated = tokens.value + tokens.framing
    counted = tokens.exact and hop.profile_tokens <= PROFILE_SHARE * estimated
    return Sample(
        error=False,
        latency_ms=latency_ms,
        billed_tokens=result.reply.usage.input_tokens if counted else None,
        estimated_tokens=estimated if counted else None,
    )
