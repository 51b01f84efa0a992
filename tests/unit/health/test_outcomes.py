"""What an attempt says of its model, and what only of the request."""

import pytest

from signalbox.contracts.adapters import AdapterResult, FailureName
from signalbox.contracts.decisions import Decision, Hop
from signalbox.decision.decide import decide
from signalbox.health.outcomes import Kind, asked_to_wait_ms, kind_of, sample
from signalbox.policy.resolved import Role
from tests.builders import NOW, failure, model, policy, prices, reply, request, route, signals

A = model("a", typical_latency_ms=1_000)


def decided(tokens: int = 100, prompt: str | None = None) -> Decision:
    one = model("a", typical_latency_ms=1_000, system_prompt=prompt)
    return decide(request(), signals(tokens), policy(route(Role("fast", one))), prices(one), NOW)


HOP: Hop = decided().hops[0]


@pytest.mark.row("E9")
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ProviderUnavailable", Kind.ILL),
        ("MalformedReply", Kind.ILL),
        ("AuthenticationFailed", Kind.ILL),
        ("InvalidRequest", Kind.WELL),
        ("ContentRefused", Kind.WELL),
        ("ContextOverflow", Kind.WELL),
    ],
)
def test_a_wrong_request_is_not_an_ill_model(name: FailureName, kind: Kind) -> None:
    assert kind_of(HOP, failure("a", name), 50) is kind


@pytest.mark.row("E9")
def test_a_caller_in_a_hurry_shuts_no_model() -> None:
    late = failure("a", "DeadlineExceeded")
    assert kind_of(HOP, late, 1_999) is Kind.NOTHING
    assert kind_of(HOP, late, 2_000) is Kind.ILL
    assert kind_of(HOP.model_copy(update={"typical_latency_ms": None}), late, 10_000) is Kind.ILL
    slow = HOP.model_copy(update={"typical_latency_ms": 27_000})
    assert kind_of(slow, late, 20_000) is Kind.ILL
    assert sample(Kind.NOTHING, HOP, decided(), late, 100) is None


@pytest.mark.row("C11")
def test_our_own_gate_is_not_the_providers_illness() -> None:
    ours = failure("a", "RateLimited", retry_after_ms=1_000)
    theirs = failure("a", "RateLimited", status=429, retry_after_ms=7_000)
    untold = failure("a", "RateLimited", status=429)
    assert [kind_of(HOP, one, 5) for one in (ours, theirs, untold)] == [Kind.GATE, Kind.THROTTLED, Kind.THROTTLED]
    assert [asked_to_wait_ms(one.failure) for one in (ours, theirs, untold)] == [None, 7_000, None]
    assert sample(Kind.GATE, HOP, decided(), ours, 5) is None
    assert sample(Kind.THROTTLED, HOP, decided(), theirs, 5) is None
    told = sample(Kind.THROTTLED, HOP, decided(), untold, 5)
    assert told is not None
    assert told.error


@pytest.mark.row("E7")
def test_tokens_are_compared_where_both_were_counted() -> None:
    def tokens(decision: Decision, result: AdapterResult) -> tuple[int | None, int | None]:
        shown = sample(Kind.WELL, decision.hops[0], decision, result, 5)
        assert shown is not None
        return shown.billed_tokens, shown.estimated_tokens

    assert tokens(decided(100), reply("a")) == (10, 100)
    assert tokens(decided(100, "x" * 25), reply("a")) == (10, 100)
    assert tokens(decided(100, "x" * 26), reply("a")) == (None, None)
    guessed = decided(100)
    count = guessed.signals.tokens.model_copy(update={"exact": False})
    guessed = guessed.model_copy(update={"signals": guessed.signals.model_copy(update={"tokens": count})})
    assert tokens(guessed, reply("a")) == (None, None)
