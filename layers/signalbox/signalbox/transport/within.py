"""A total limit that holds whatever the work is stuck in: DNS, TLS, slow headers or a dripping body."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")


class OutOfTime(Exception):
    """The work was not done in the time it had. It is left to end by itself."""


def within(limit_ms: int, work: Callable[[], T]) -> T:
    """What ``work`` returns or raises, or ``OutOfTime`` after ``limit_ms``; without time it is not begun.

    No client has a limit on a whole exchange: theirs are per connection, read or write, so a
    peer that sends a byte now and then is never cut off. The thread is a daemon; ``work`` must
    have limits of its own so that it ends soon after.
    """
    if limit_ms <= 0:
        raise OutOfTime
    done: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def carry_out() -> None:
        try:
            done.put((work(), None))
        except BaseException as error:  # noqa: BLE001 - carried over to the thread that waits
            done.put((None, error))

    threading.Thread(target=carry_out, daemon=True).start()
    try:
        value, error = done.get(timeout=limit_ms / 1_000)
    except Empty:
        raise OutOfTime from None
    if error is not None:
        raise error
    return value  # type: ignore[return-value] # no error: it is what the work returned
