"""How long a caller who waits is kept, and how often the store is asked meanwhile."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.replies.waiting import FIRST_PAUSE_MS, LONGEST_PAUSE_MS, Found, awaited
from tests.builders import FakeClock
from tests.unit.replies.contract import START_MS, final, head

pytestmark = pytest.mark.row("A11")


@dataclass
class Store:
    """Has the conclusion from ``concluded_at_ms`` on, and is erased at ``erased_at_ms``."""

    concluded_at_ms: float = float("inf")
    erased_at_ms: float = float("inf")
    ends_at_ms: int = START_MS + 120_000
    clock: FakeClock = field(default_factory=lambda: FakeClock(START_MS))
    asked_at_ms: list[int] = field(default_factory=list)

    def read(self) -> Found | None:
        now_ms = self.clock.at_ms
        self.asked_at_ms.append(now_ms - START_MS)
        if now_ms >= self.erased_at_ms:
            return None
        return head(ends_at_ms=self.ends_at_ms), final() if now_ms >= self.concluded_at_ms else None

    def sleep(self, duration_s: float) -> None:
        assert duration_s > 0
        self.clock.at_ms += max(1, round(duration_s * 1_000))

    def awaited(self, wait_ms: int) -> Found | None:
        return awaited(self.read, wait_ms, self.clock, self.sleep)


def test_who_does_not_wait_is_answered_at_once() -> None:
    store = Store()
    assert store.awaited(0) == (head(), None)
    assert store.asked_at_ms == [0]


def test_who_waits_is_answered_when_it_is_there() -> None:
    store = Store(concluded_at_ms=START_MS + 700)
    assert store.awaited(20_000) == (head(), final())
    assert store.asked_at_ms == [0, 250, 625, 1_187]


def test_the_pauses_grow_to_a_second_and_the_last_look_is_when_the_wait_is_over() -> None:
    store = Store()
    store.awaited(5_000)
    assert store.asked_at_ms == [0, 250, 625, 1_187, 2_031, 3_031, 4_031, 5_000]


def test_nobody_waits_longer_than_somebody_works() -> None:
    store = Store(ends_at_ms=START_MS + 300)
    assert store.awaited(20_000)
    assert store.asked_at_ms == [0, 250, 301]


def test_nobody_waits_for_what_is_not_there_or_is_erased() -> None:
    store = Store(erased_at_ms=START_MS)
    assert store.awaited(20_000) is None
    assert store.asked_at_ms == [0]
    store = Store(erased_at_ms=START_MS + 100)
    assert store.awaited(20_000) is None
    assert store.asked_at_ms == [0, 250]


@given(st.integers(0, 20_000), st.integers(-1_000, 30_000), st.integers(0, 30_000))
def test_a_wait_ends_in_time_and_misses_nothing(wait_ms: int, ends_ms: int, concluded_ms: int) -> None:
    store = Store(concluded_at_ms=START_MS + concluded_ms, ends_at_ms=START_MS + ends_ms)
    found = store.awaited(wait_ms)
    assert found
    last, limit = store.asked_at_ms[-1], max(0, min(wait_ms, ends_ms + 1))
    assert last <= limit
    assert (found[1] is not None) == (concluded_ms <= last)
    assert found[1] is not None or last == limit
    pauses = [after - before for before, after in zip(store.asked_at_ms, store.asked_at_ms[1:], strict=False)]
    assert all(pause <= LONGEST_PAUSE_MS for pause in pauses)
    assert all(pause >= FIRST_PAUSE_MS for pause in pauses[:-1])
