"""One model after the other: who takes over, who never does, and inside which time."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.contracts.adapters import AdapterResult, FailureName
from signalbox.contracts.requests import InferenceRequest, Sampling
from signalbox.contracts.runtime import ModelState
from signalbox.decision.decide import decide
from signalbox.execution.hops import Asking, run_hops
from signalbox.execution.outcome import Outcome
from signalbox.policy.resolved import Policy, Role, RosterModel
from tests.builders import (
    NOW,
    FakeClock,
    ScriptedInvoker,
    failure,
    model,
    policy,
    prices,
    reply,
    request,
    route,
    signals,
)
from tests.fakes.health import FakeHealth

A = model("a", window_tokens=5_000)
B = model("b", window_tokens=5_000)
C = model("c", window_tokens=50_000)
ALL = policy(route(Role("fast", A, (B, C))))
EVERY_FAILURE: tuple[FailureName, ...] = (
    "ContextOverflow",
    "RateLimited",
    "DeadlineExceeded",
    "ProviderUnavailable",
    "InvalidRequest",
    "AuthenticationFailed",
    "ContentRefused",
    "MalformedReply",
)


def run(
    script: dict[str, list[AdapterResult]],
    *,
    here: Policy = ALL,
    asked: InferenceRequest | None = None,
    takes_ms: int = 0,
    models: tuple[RosterModel, ...] = (A, B, C),
    health: FakeHealth | None = None,
    **seen: Any,
) -> tuple[Outcome, ScriptedInvoker]:
    asked, health = asked or request(), health or FakeHealth()
    clock = FakeClock()
    invoker = ScriptedInvoker(script, clock, takes_ms)
    decision = decide(asked, signals(**seen), here, prices(*models), NOW, health.read(here.roster))
    asking = Asking(decision, here, invoker, clock, health)
    return run_hops(asked, decision.hops, asking, clock.now_ms() + decision.deadline_ms), invoker


def test_one_good_reply_is_one_call() -> None:
    outcome, invoker = run({"a": [reply("a")]})
    assert outcome.reply is not None
    assert outcome.reply.text == "fine"
    assert [call.model for call in invoker.calls] == ["a"]


@pytest.mark.parametrize("kind", ["RateLimited", "ProviderUnavailable", "MalformedReply", "AuthenticationFailed"])
def test_an_outage_is_taken_to_the_next_candidate(kind: FailureName) -> None:
    outcome, _ = run({"a": [failure("a", kind)], "b": [reply("b")]})
    assert outcome.reply is not None
    assert outcome.reply.model == "b"
    assert [attempt.model for attempt in outcome.attempts] == ["a", "b"]


@pytest.mark.parametrize(
    ("kind", "code"), [("InvalidRequest", "provider_rejected_request"), ("ContentRefused", "content_refused")]
)
def test_what_is_wrong_everywhere_is_tried_once(kind: FailureName, code: str) -> None:
    outcome, invoker = run({"a": [failure("a", kind)]})
    assert outcome.error is not None
    assert (outcome.error.status, outcome.error.code) == (400, code)
    assert len(invoker.calls) == 1


@pytest.mark.row("A16")
def test_a_reported_overflow_goes_to_a_wider_window_once() -> None:
    overflow = failure("a", "ContextOverflow", tokens=131_072, limit=65_536)
    outcome, invoker = run({"a": [failure("a", "ContextOverflow", tokens=6_000, limit=5_000)], "c": [reply("c")]})
    assert [call.model for call in invoker.calls] == ["a", "c"]
    assert outcome.reply is not None

    too_long, invoker = run({"a": [overflow]})
    assert [call.model for call in invoker.calls] == ["a"]
    assert too_long.error is not None
    assert (too_long.error.status, too_long.error.code) == (422, "context_length_exceeded")
    assert "tokens=131072 limit=65536" in too_long.error.message

    wide = model("wide", window_tokens=90_000)
    here = policy(route(Role("fast", A, (C, wide))))
    script = {name: [failure(name, "ContextOverflow", tokens=6_000, limit=5_000)] for name in "ac"}
    twice, invoker = run(script, here=here, models=(A, C, wide))
    assert [call.model for call in invoker.calls] == ["a", "c"]
    assert twice.error is not None
    assert twice.error.code == "context_length_exceeded"


@pytest.mark.row("C3")
def test_no_call_starts_past_the_deadline() -> None:
    script = {name: [failure(name, "ProviderUnavailable")] for name in "abc"}
    outcome, invoker = run(script, asked=request(deadline_ms=5_000), takes_ms=4_950)
    assert [call.model for call in invoker.calls] == ["a"]
    assert outcome.error is not None
    assert outcome.error.code == "provider_unavailable"


@pytest.mark.row("C3")
def test_the_deadline_is_told_with_its_limit() -> None:
    outcome, _ = run({"a": [failure("a", "DeadlineExceeded")]}, asked=request(deadline_ms=5_000), takes_ms=5_000)
    assert outcome.error is not None
    assert outcome.error.status == 504
    assert outcome.error.message == "model_inference_deadline_exceeded at 5000ms (a)"


@pytest.mark.row("C3")
def test_a_hop_leaves_the_next_one_its_time() -> None:
    quick = model("b", typical_latency_ms=1_000)
    here = policy(route(Role("fast", A, (quick,))))
    script = {"a": [failure("a", "DeadlineExceeded")], "b": [reply("b")]}
    outcome, invoker = run(script, here=here, asked=request(deadline_ms=5_000), takes_ms=4_000, models=(A, quick))
    assert [call.deadline_ms for call in invoker.calls] == [4_000, 1_000]
    assert outcome.reply is not None


@pytest.mark.row("C6")
def test_each_model_gets_its_own_profile_under_the_callers_words() -> None:
    terse = model("a", system_prompt="Be brief.", sampling=Sampling(temperature=0.2, frequency_penalty=0.1))
    plain = model("b")
    here = policy(route(Role("fast", terse, (plain,))))
    script = {"a": [failure("a", "ProviderUnavailable")], "b": [reply("b")]}
    _, invoker = run(script, here=here, asked=request(sampling=Sampling(temperature=0.0)), models=(terse, plain))
    first, second = invoker.calls
    assert [message.text for message in first.messages] == ["Be brief.", "hello"]
    assert (first.sampling.temperature, first.sampling.frequency_penalty) == (0.0, 0.1)
    assert [message.text for message in second.messages] == ["hello"]
    assert second.sampling == Sampling(temperature=0.0)


def test_a_default_that_a_model_takes_no_word_for_is_not_sent() -> None:
    bare = model("a", features=frozenset())
    asked = request(sampling=Sampling(temperature=1.0))
    _, invoker = run({"a": [reply("a")]}, here=policy(route(Role("fast", bare))), asked=asked, models=(bare,))
    assert invoker.calls[0].sampling == Sampling()


@pytest.mark.row("A8")
@pytest.mark.row("E6")
@given(kind=st.sampled_from(EVERY_FAILURE), tokens=st.integers(1, 4_000))
def test_a_pinned_request_is_never_sent_elsewhere(kind: FailureName, tokens: int) -> None:
    here = policy(route(Role("compliance", A, pinned=True), needs_compliance_check=True), route(Role("fast", B, (C,))))
    outcome, invoker = run({"a": [failure("a", kind)]}, here=here, needs_compliance_check=True, tokens=tokens)
    assert [call.model for call in invoker.calls] == ["a"]
    assert outcome.error is not None


@given(script=st.lists(st.sampled_from(EVERY_FAILURE), min_size=3, max_size=3), takes_ms=st.integers(0, 6_000))
def test_no_model_is_asked_twice_and_an_end_is_always_told(script: list[FailureName], takes_ms: int) -> None:
    scripted = {name: [failure(name, kind)] for name, kind in zip("abc", script, strict=True)}
    outcome, invoker = run(scripted, takes_ms=takes_ms)
    asked = [call.model for call in invoker.calls]
    assert len(asked) == len(set(asked))
    assert outcome.reply is None
    assert outcome.error is not None
    assert all(call.deadline_at_ms <= 1_000_000 + 10_000 for call in invoker.calls)


@pytest.mark.row("E9")
def test_every_call_is_reported_with_its_time() -> None:
    health = FakeHealth()
    outcome, _ = run({"a": [failure("a", "ProviderUnavailable")], "b": [reply("b")]}, health=health, takes_ms=300)
    assert [(one.hop.model, one.latency_ms) for one in health.reports] == [("a", 300), ("b", 300)]
    assert [one.result.failure is None for one in health.reports] == [False, True]
    assert [(one.latency_ms, one.hop) for one in outcome.attempts] == [(300, one.hop) for one in health.reports]


@pytest.mark.row("E9")
def test_a_probe_that_another_request_makes_is_skipped() -> None:
    probing = {"a": ModelState(circuit="probing")}
    outcome, invoker = run({"b": [reply("b")]}, health=FakeHealth(probing, taken={"a"}))
    assert [call.model for call in invoker.calls] == ["b"]
    assert [(one.model, one.skipped) for one in outcome.attempts] == [("a", True), ("b", False)]

    health = FakeHealth(probing)
    _, invoker = run({"a": [reply("a")]}, health=health)
    assert [call.model for call in invoker.calls] == ["a"]
    assert [one.hop.probe for one in health.reports] == [True]


@pytest.mark.row("E9")
def test_a_pinned_model_that_is_being_tried_asks_to_come_back() -> None:
    here = policy(route(Role("compliance", A, pinned=True)))
    health = FakeHealth({"a": ModelState(circuit="probing")}, taken={"a"})
    outcome, invoker = run({}, here=here, health=health)
    assert invoker.calls == []
    assert health.reports == []
    assert outcome.error is not None
    assert (outcome.error.status, outcome.error.code) == (429, "rate_limit_exceeded")
    assert outcome.error.retry_after_ms == 1_000


@pytest.mark.row("C11")
def test_a_full_gate_is_passed_by_or_told_with_a_time_to_come_back() -> None:
    full = {name: [failure(name, "RateLimited", retry_after_ms=1_000)] for name in "abc"}
    outcome, invoker = run(full)
    assert [call.model for call in invoker.calls] == ["a", "b", "c"]
    assert outcome.error is not None
    assert (outcome.error.status, outcome.error.retry_after_ms) == (429, 1_000)


def test_no_place_for_a_probe_is_taken_without_the_time_to_use_it() -> None:
    health = FakeHealth({"b": ModelState(circuit="probing")})
    script = {"a": [failure("a", "ProviderUnavailable")]}
    run(script, asked=request(deadline_ms=5_000), takes_ms=4_950, health=health)
    assert health.entered == ["a"]


def test_the_adapters_learn_where_to_leave_a_receipt() -> None:
    clock, asked = FakeClock(), request()
    invoker = ScriptedInvoker({"a": [failure("a", "ProviderUnavailable")], "b": [reply("b")]}, clock)
    decision = decide(asked, signals(), ALL, prices(A, B, C), NOW)
    asking = Asking(decision, ALL, invoker, clock, FakeHealth(), receipt="alice#r1", keep_reply=True)
    run_hops(asked, decision.hops, asking, clock.now_ms() + decision.deadline_ms)
    assert [(call.receipt, call.keep_reply) for call in invoker.calls] == [("alice#r1", True)] * 2


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (failure("a", "DeadlineExceeded"), True),
        (failure("a", "MalformedReply"), True),
        (failure("a", "ProviderUnavailable"), True),
        (failure("a", "ProviderUnavailable", status=503), False),
        (failure("a", "RateLimited", status=429), False),
        (reply("a"), False),
    ],
)
def test_an_attempt_says_when_only_its_receipt_knows_the_bill(result: AdapterResult, expected: bool) -> None:
    outcome, _ = run({"a": [result], "b": [reply("b")]})
    assert outcome.attempts[0].may_be_billed is expected
