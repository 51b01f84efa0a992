"""What callers are told of limits: the 429s and the headers."""

import pytest

from signalbox.contracts.errors import RateLimited
from signalbox.contracts.quotas import Hold
from signalbox.quotas.headers import duration, headers
from signalbox.quotas.refusal import refusal
from signalbox.quotas.standing import QuotaExceeded, Standing
from tests.unit.quotas.samples import NOW_MS, hold

MONEY = hold(limit=1_000, amount=200, label="microusd per day of caller alice", resets_at_ms=NOW_MS + 43_200_000)
RATE = hold(measure="requests", limit=60, amount=1, label="requests per minute of key k1", resets_at_ms=NOW_MS + 250)
PLACE = hold(measure="in_flight", limit=3, amount=1, label="requests in flight of model m")


@pytest.mark.row("E2")
@pytest.mark.parametrize(
    ("one", "committed", "code", "wait_ms", "words"),
    [
        (MONEY, 900, "budget_exceeded", 43_200_000, "per day of caller alice: limit 1000, taken 900, needed 200"),
        (RATE, 60, "rate_limit_exceeded", 250, "requests per minute of key k1: limit 60, taken 60"),
        (hold(measure="tokens"), 950, "rate_limit_exceeded", 60_000, "taken 950, needed 100"),
        (PLACE, 3, "too_many_in_flight", 1_000, "requests in flight of model m: limit 3, taken 3"),
    ],
)
def test_the_refusal_says_which_limit_its_figures_and_when_to_come_back(
    one: Hold, committed: int, code: str, wait_ms: int, words: str
) -> None:
    error = refusal(QuotaExceeded((Standing(one, committed),)), NOW_MS)
    assert isinstance(error, RateLimited)
    assert (error.status, error.code, error.retry_after_ms) == (429, code, wait_ms)
    assert words in error.message


def test_a_budget_says_when_it_resets() -> None:
    error = refusal(QuotaExceeded((Standing(MONEY, 900),)), NOW_MS)
    assert "resets at 2026-11-22T00:00:00Z" in error.message


def test_of_several_limits_the_one_that_keeps_waiting_longest_is_told() -> None:
    exceeded = QuotaExceeded((Standing(RATE, 60), Standing(MONEY, 900), Standing(PLACE, 3)))
    assert refusal(exceeded, NOW_MS).code == "budget_exceeded"


def test_a_window_that_has_just_ended_is_no_wait_into_the_past() -> None:
    assert refusal(QuotaExceeded((Standing(RATE, 60),)), NOW_MS + 300).retry_after_ms == 1


def test_headers_tell_the_tightest_of_each_measure() -> None:
    standings = (
        Standing(hold(measure="requests", limit=60), 1),
        Standing(hold("model#m", "requests", limit=600), 590),
        Standing(hold(measure="tokens", limit=150_000, resets_at_ms=NOW_MS + 360_000), 16),
        Standing(MONEY, 900),
    )
    assert headers(standings, NOW_MS) == {
        "x-ratelimit-limit-requests": "600",
        "x-ratelimit-remaining-requests": "10",
        "x-ratelimit-reset-requests": "1m0s",
        "x-ratelimit-limit-tokens": "150000",
        "x-ratelimit-remaining-tokens": "149984",
        "x-ratelimit-reset-tokens": "6m0s",
    }
    assert headers((), NOW_MS) == {}


def test_nothing_less_than_nothing_remains() -> None:
    assert headers((Standing(hold(measure="tokens", limit=10), 12),), NOW_MS)["x-ratelimit-remaining-tokens"] == "0"


@pytest.mark.parametrize(
    ("ms", "written"),
    [
        (-5, "0s"),
        (0, "0s"),
        (20, "20ms"),
        (1_000, "1s"),
        (8_640, "8.64s"),
        (60_000, "1m0s"),
        (360_000, "6m0s"),
        (3_600_000, "1h0m0s"),
        (5_025_500, "1h23m45.5s"),
    ],
)
def test_durations_are_written_as_openai_does(ms: int, written: str) -> None:
    assert duration(ms) == written
