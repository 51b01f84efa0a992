"""A caller who waits for a reply: asks again and again, ever more slowly."""

from collections.abc import Callable

from signalbox.contracts.plans import Conclusion, ReplyHead
from signalbox.execution.ports import Clock

FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 250, 1_000
GROWTH = 1.5

Found = tuple[ReplyHead, Conclusion | None]


def awaited(
    read: Callable[[], Found | None], wait_ms: int, clock: Clock, sleep_s: Callable[[float], None]
) -> Found | None:
    """What ``read`` gives once it has a conclusion, or when ``wait_ms`` are over, or nobody works on it any more."""
    until_ms, pause_ms = clock.now_ms() + wait_ms, float(FIRST_PAUSE_MS)
    while (found := read()) is not None and found[1] is None:
        left_ms = min(until_ms, found[0].ends_at_ms + 1) - clock.now_ms()
        if left_ms <= 0:
            break
        sleep_s(min(pause_ms, left_ms) / 1_000)
        pause_ms = min(pause_ms * GROWTH, LONGEST_PAUSE_MS)
    return found
