"""One limit over all calls of a request."""

import time

from signalbox.transport.ends import ending_in, no_later


def test_the_earlier_of_two_limits_holds() -> None:
    soon = time.monotonic() + 1
    assert no_later(soon) == soon
    with ending_in(60_000):
        assert no_later(soon) == soon
        with ending_in(0):
            assert no_later(soon) < soon
        assert no_later(soon) == soon
