"""Time, as the retries see it."""

import time
from typing import Protocol


class Clock(Protocol):
    """What waits and tells the time."""

    def now_ms(self) -> int:
        """Unix time in milliseconds, as ``deadline_at_ms`` counts it."""

    def sleep_ms(self, duration_ms: int) -> None:
        """Return after ``duration_ms``."""


class SystemClock:
    """The machine's own."""

    def now_ms(self) -> int:
        """See ``Clock``."""
        return time.time_ns() // 1_000_000

    def sleep_ms(self, duration_ms: int) -> None:
        """See ``Clock``."""
        time.sleep(duration_ms / 1_000)
