"""What a caller is told when a limit has no room. Pure."""

from datetime import UTC, datetime

from signalbox.contracts.errors import RateLimited, SignalboxError
from signalbox.quotas.standing import QuotaExceeded, Standing

# Places in flight come back by themselves, nobody knows when.
PLACE_WAIT_MS = 1_000


def refusal(exceeded: QuotaExceeded, now_ms: int) -> SignalboxError:
    """429 by the limit that keeps the caller waiting longest: ``budget_exceeded``, ``rate_limit_exceeded`` or
    ``too_many_in_flight``."""
    binding = max(exceeded.standings, key=lambda one: _wait_ms(one, now_ms))
    code, message = _told(binding)
    return RateLimited(code, message, retry_after_ms=_wait_ms(binding, now_ms))


def _told(standing: Standing) -> tuple[str, str]:
    hold = standing.hold
    figures = f"limit {hold.limit}, taken {standing.committed}, needed {hold.amount}"
    if hold.measure == "in_flight":
        return "too_many_in_flight", f"No room in {hold.label}: {figures}. Try again shortly."
    resets = _iso(hold.resets_at_ms or 0)
    if hold.measure == "microusd":
        return "budget_exceeded", f"No room in the budget of {hold.label}: {figures}. It resets at {resets}."
    return "rate_limit_exceeded", f"No room in {hold.label}: {figures}. It resets at {resets}."


def _wait_ms(standing: Standing, now_ms: int) -> int:
    resets_at_ms = standing.hold.resets_at_ms
    return PLACE_WAIT_MS if resets_at_ms is None else max(1, resets_at_ms - now_ms)


def _iso(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms // 1_000, UTC):%Y-%m-%dT%H:%M:%SZ}"
