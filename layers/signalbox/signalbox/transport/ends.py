"""When everything must have ended: a limit on all that one request asks of its stores, whatever each call allows."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends_at: ContextVar[float] = ContextVar("ends_at", default=math.inf)


@contextmanager
def ending_in(limit_ms: int) -> Iterator[None]:
    """Calls made in the block end within ``limit_ms`` from now."""
    token = _ends_at.set(time.monotonic() + limit_ms / 1_000)
    try:
        yield
    finally:
        _ends_at.reset(token)


def no_later(ends_at: float) -> float:
    """The earlier of the two; seconds of the monotonic clock."""
    return min(ends_at, _ends_at.get())
