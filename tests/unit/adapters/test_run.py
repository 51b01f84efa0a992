from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.adapters.provider import AdapterError
from signalbox.adapters.run import LONGEST_BACKOFF_MS, MAX_RETRIES, RETRIED, run
from signalbox.contracts.adapters import (
    AdapterFailure,
    AdapterReply,
    AdapterRequest,
    AdapterResult,
    FailureName,
    Usage,
)
from tests.unit.adapters.samples import a_request

NOT_RETRIED: tuple[FailureName, ...] = (
    "ContextOverflow",
    "InvalidRequest",
    "ContentRefused",
    "AuthenticationFailed",
    "MalformedReply",
    "DeadlineExceeded",
)
REPLY = AdapterReply(
    model="roster-model",
    model_version="v1",
    provider_request_id=None,
    text="hi",
    finish_reason="stop",
    usage=Usage(input_tokens=10, output_tokens=5),
    cost_microusd=0,
    latency_ms=1,
)


def failing(name: FailureName, retry_after_ms: int | None = None) -> AdapterFailure:
    return AdapterFailure(name=name, message="no", model="roster-model", retry_after_ms=retry_after_ms)


@dataclass
class FakeClock:
    time_ms: int = 1_000
    slept: list[int] = field(default_factory=list)

    def now_ms(self) -> int:
        return self.time_ms

    def sleep_ms(self, duration_ms: int) -> None:
        self.slept.append(duration_ms)
        self.time_ms += duration_ms


@dataclass
class FakeProvider:
    """Answers with ``answers`` in turn, the last one for ever, each after ``takes_ms``."""

    clock: FakeClock
    answers: list[AdapterReply | AdapterFailure]
    takes_ms: int = 100
    name: str = "fake"
    lefts_ms: list[int] = field(default_factory=list)

    def attempt(self, request: AdapterRequest, time_left_ms: int) -> AdapterReply:
        self.lefts_ms.append(time_left_ms)
        self.clock.time_ms += self.takes_ms
        answer = self.answers[min(len(self.lefts_ms), len(self.answers)) - 1]
        if isinstance(answer, AdapterFailure):
            raise AdapterError(answer)
        return answer


def tried(
    *answers: AdapterReply | AdapterFailure, within_ms: int = 5_000, chance: float = 1.0
) -> tuple[AdapterResult, FakeProvider]:
    clock = FakeClock()
    provider = FakeProvider(clock, list(answers))
    request = a_request(deadline_at_ms=clock.time_ms + within_ms, deadline_ms=within_ms)
    result = run(provider, request, clock, lambda name, model, usage: usage.input_tokens * 7, lambda: chance)
    return result, provider


def test_a_reply_is_priced_and_timed() -> None:
    result, provider = tried(REPLY)
    assert result.reply == REPLY.model_copy(update={"cost_microusd": 70, "latency_ms": 100})
    assert provider.lefts_ms == [5_000]


@pytest.mark.parametrize("name", RETRIED)
def test_rate_limits_and_outages_are_tried_again(name: FailureName) -> None:
    result, provider = tried(failing(name), failing(name), REPLY)
    assert result.reply is not None
    assert result.reply.latency_ms == 900
    assert provider.clock.slept == [200, 400]
    assert provider.lefts_ms == [5_000, 4_700, 4_200]


def test_no_more_than_twice() -> None:
    result, provider = tried(failing("RateLimited"))
    assert result.failure is not None
    assert (result.failure.name, result.failure.latency_ms) == ("RateLimited", 900)
    assert len(provider.lefts_ms) == 1 + MAX_RETRIES
    assert len(provider.clock.slept) == MAX_RETRIES


@pytest.mark.row("A16")
@pytest.mark.parametrize("name", NOT_RETRIED)
def test_the_rest_never_is(name: FailureName) -> None:
    result, provider = tried(failing(name), REPLY)
    assert result.failure is not None
    assert (result.failure.name, provider.clock.slept, len(provider.lefts_ms)) == (name, [], 1)


def test_retry_after_is_honoured() -> None:
    _, provider = tried(failing("RateLimited", 1_500), REPLY, chance=0.0)
    assert provider.clock.slept == [1_500]


@pytest.mark.row("C3")
def test_a_retry_after_past_the_deadline_goes_back_at_once() -> None:
    result, provider = tried(failing("RateLimited", 4_900), REPLY)
    assert result.failure is not None
    assert result.failure.retry_after_ms == 4_900
    assert (provider.clock.slept, result.failure.latency_ms) == ([], 100)


@pytest.mark.row("C3")
def test_no_attempt_is_begun_past_the_deadline() -> None:
    result, provider = tried(REPLY, within_ms=0)
    assert result.failure is not None
    assert result.failure.name == "DeadlineExceeded"
    assert result.failure.message == "model_inference_deadline_exceeded at 0ms (roster-model)"
    assert (result.failure.limit, provider.lefts_ms) == (0, [])


@pytest.mark.row("C3")
@given(
    st.lists(
        st.one_of(
            st.just(REPLY),
            st.builds(failing, st.sampled_from(RETRIED + NOT_RETRIED), st.none() | st.integers(0, 10_000)),
        ),
        min_size=1,
        max_size=4,
    ),
    st.integers(0, 3_000),
    st.floats(0, 1),
)
def test_whatever_happens_nothing_is_begun_late_or_too_often(
    answers: list[AdapterReply | AdapterFailure], within_ms: int, chance: float
) -> None:
    result, provider = tried(*answers, within_ms=within_ms, chance=chance)
    assert (result.reply is None) != (result.failure is None)
    assert all(left_ms > 0 for left_ms in provider.lefts_ms)
    assert len(provider.lefts_ms) <= 1 + MAX_RETRIES
    assert provider.clock.now_ms() <= 1_000 + within_ms + provider.takes_ms
    assert all(slept_ms <= max(LONGEST_BACKOFF_MS, 10_000) for slept_ms in provider.clock.slept)
