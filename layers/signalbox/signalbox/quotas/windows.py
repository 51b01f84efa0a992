"""The windows that limits count in: which one a moment falls in, and when the next begins. UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from signalbox.policy.resolved import BudgetWindow


@dataclass(frozen=True)
class Window:
    """``name`` such as ``day#2026-11-21``; ``resets_at_ms`` (Unix) is the first moment after it."""

    name: str
    resets_at_ms: int


def window(kind: BudgetWindow, now: datetime) -> Window:
    """The hour, day or month that ``now`` (aware) falls in."""
    now = now.astimezone(UTC)
    hour = now.replace(minute=0, second=0, microsecond=0)
    match kind:
        case "hour":
            return Window(f"hour#{hour:%Y-%m-%dT%H}", _ms(hour + timedelta(hours=1)))
        case "day":
            day = hour.replace(hour=0)
            return Window(f"day#{day:%Y-%m-%d}", _ms(day + timedelta(days=1)))
        case "month":
            month = hour.replace(day=1, hour=0)
            return Window(f"month#{month:%Y-%m}", _ms((month + timedelta(days=31)).replace(day=1)))


def minute(now: datetime) -> Window:
    """The minute, named by its number since 1970."""
    number = _ms(now.replace(second=0, microsecond=0)) // 60_000
    return Window(f"minute#{number}", (number + 1) * 60_000)


def _ms(at: datetime) -> int:
    return int(at.timestamp()) * 1_000
