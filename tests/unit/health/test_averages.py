"""Sums that are only ever added to, against the averages written out."""

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.health.averages import (
    HALF_LIVES_PER_EPOCH,
    NOTHING,
    Sample,
    Sums,
    added,
    averages,
    epoch_of,
    from_item,
    joined,
)

HALF_LIFE_S = 60
EPOCH_MS = HALF_LIVES_PER_EPOCH * HALF_LIFE_S * 1_000
samples = st.builds(
    Sample,
    error=st.booleans(),
    latency_ms=st.none() | st.integers(0, 30_000),
    billed_tokens=st.integers(1, 1_000_000),
    estimated_tokens=st.none() | st.integers(1, 1_000_000),
)
# Around the edge of two epochs, which is where something can go wrong.
attempts = st.lists(st.tuples(st.integers(EPOCH_MS - 900_000, EPOCH_MS + 900_000), samples), min_size=1, max_size=30)


def kept(at: list[tuple[int, Sample]], now_ms: int) -> Sums:
    """As the store has them: one item an epoch, the last two of them read."""
    items: dict[int, Sums] = {}
    for at_ms, one in at:
        epoch = epoch_of(at_ms, HALF_LIFE_S)
        items[epoch] = items.get(epoch, NOTHING) + added(one, at_ms, HALF_LIFE_S)
    epoch = epoch_of(now_ms, HALF_LIFE_S)
    return joined(items.get(epoch, NOTHING), items.get(epoch - 1, NOTHING))


@pytest.mark.row("E9")
@given(at=attempts, order=st.randoms(use_true_random=False), later_ms=st.integers(0, 600_000))
def test_they_are_the_exponentially_weighted_averages(
    at: list[tuple[int, Sample]], order: random.Random, later_ms: int
) -> None:
    now_ms = max(at_ms for at_ms, _ in at) + later_ms
    shuffled = list(at)
    order.shuffle(shuffled)
    found = averages(kept(shuffled, now_ms), now_ms, HALF_LIFE_S)

    def weight(at_ms: int) -> float:
        return float(2 ** ((at_ms - now_ms) / (HALF_LIFE_S * 1_000)))

    total = sum(weight(at_ms) for at_ms, _ in at)
    assert found.attempts == pytest.approx(total, rel=1e-3)
    assert found.error_rate == pytest.approx(sum(weight(at_ms) for at_ms, one in at if one.error) / total, rel=1e-3)
    replies = [(weight(at_ms), one.latency_ms) for at_ms, one in at if one.latency_ms is not None]
    if replies:
        expected = sum(w * ms for w, ms in replies) / sum(w for w, _ in replies)
        assert found.latency_ms == pytest.approx(expected, rel=1e-3)
    else:
        assert found.latency_ms is None
    counted = [(weight(at_ms), one.billed_tokens or 0, one.estimated_tokens) for at_ms, one in at]
    both = [(w * billed, w * estimated) for w, billed, estimated in counted if estimated]
    if both:
        assert found.token_ratio == pytest.approx(sum(b for b, _ in both) / sum(e for _, e in both), rel=1e-3)
    else:
        assert found.token_ratio is None


def test_half_a_life_ago_counts_half() -> None:
    at = [(EPOCH_MS - 60_000, Sample(error=True)), (EPOCH_MS, Sample(error=False))]
    found = averages(kept(at, EPOCH_MS), EPOCH_MS, HALF_LIFE_S)
    assert found.attempts == pytest.approx(1.5)
    assert found.error_rate == pytest.approx(1 / 3)


@pytest.mark.parametrize("half_life_s", [1, 60, 3_600])
def test_the_largest_sum_keeps_within_dynamodbs_38_digits(half_life_s: int) -> None:
    """10,000 attempts a second of 10,000,000 tokens each, the whole epoch long: a geometric series."""
    last_ms = HALF_LIVES_PER_EPOCH * half_life_s * 1_000 - 1
    largest = added(
        Sample(error=True, latency_ms=900_000, billed_tokens=10**7, estimated_tokens=10**7), last_ms, half_life_s
    )
    of_a_half_life = 10_000 * half_life_s
    assert all(isinstance(one, int) for one in largest.values())
    assert all(len(Decimal(one * of_a_half_life * 2).as_tuple().digits) <= 38 for one in largest.values())


def test_nothing_is_known_of_nothing() -> None:
    found = averages(from_item(None), 1_000, HALF_LIFE_S)
    assert (found.attempts, found.error_rate, found.latency_ms, found.token_ratio) == (0, None, None, None)
