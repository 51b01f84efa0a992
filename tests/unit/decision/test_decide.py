"""``decide``: the first route that matches, every hop sized, the pin never left."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.contracts.errors import NotFound, Unprocessable
from signalbox.contracts.messages import ResponseFormat, Tool, ToolChoice
from signalbox.contracts.requests import Sampling
from signalbox.decision.decide import decide
from signalbox.decision.refusal import refusal
from signalbox.policy.resolved import Role
from tests.builders import NOW, model, policy, prices, request, route, signals

SMALL = model("small", window_tokens=1_000)
LARGE = model("large", window_tokens=100_000)
SOLO = model("solo")
FAST = Role("fast", SMALL, (LARGE,))
PINNED = Role("compliance", SOLO, pinned=True)
PRICES = prices(SMALL, LARGE, SOLO)
POLICY = policy(route(PINNED, "pin", needs_compliance_check=True), route(FAST, "rest"))


def test_the_first_matching_route_decides() -> None:
    decision = decide(request(), signals(), POLICY, PRICES, NOW)
    assert (decision.route, decision.role, decision.model) == ("rest", "fast", "small")
    assert [hop.model for hop in decision.hops] == ["small", "large"]


@pytest.mark.row("A16")
@pytest.mark.row("E7")
def test_an_overflow_is_foreseen() -> None:
    decision = decide(request(), signals(tokens=901), POLICY, PRICES, NOW)
    assert decision.model == "large"
    assert decision.rejected[0].model == "small"
    assert decision.rejected[0].reason == "window"
    assert decision.rejected[0].detail == "tokens=1001 limit=1000"
    assert decide(request(), signals(tokens=900), POLICY, PRICES, NOW).model == "small"


@pytest.mark.row("E7")
def test_another_tokenizer_is_sized_high() -> None:
    greedy = model("greedy", window_tokens=1_000, token_factor=1.6)
    here = policy(route(Role("fast", greedy)))
    assert decide(request(), signals(tokens=562), here, prices(greedy), NOW).model == "greedy"
    assert decide(request(), signals(tokens=563), here, prices(greedy), NOW).model is None


@pytest.mark.row("E7")
@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"tools": (Tool(name="f"),)}, "tools"),
        ({"tools": (Tool(name="f"),), "tool_choice": ToolChoice(mode="required")}, "tool_choice"),
        ({"response_format": ResponseFormat(type="json_object")}, "response_format"),
        ({"sampling": Sampling(seed=1)}, "seed"),
        ({"sampling": Sampling(stop=("x",))}, "stop"),
        ({"sampling": Sampling(temperature=0.2)}, "temperature"),
        ({"sampling": Sampling(presence_penalty=0.5)}, "presence_penalty"),
        ({"tools": (Tool(name="f"),), "parallel_tool_calls": False}, "parallel_tool_calls"),
    ],
)
def test_what_a_model_cannot_honour_goes_to_one_that_can(asked: dict[str, Any], param: str) -> None:
    plain = model("plain", features=frozenset())
    able = policy(route(Role("fast", plain, (LARGE,))))
    decision = decide(request(**asked), signals(), able, prices(plain, LARGE), NOW)
    assert decision.model == "large"
    alone = decide(request(**asked), signals(), policy(route(Role("fast", plain))), prices(plain), NOW)
    error = refusal(alone)
    assert (error.status, error.code, error.param) == (422, "unsupported_parameter", param)


def test_asking_for_a_providers_default_asks_for_nothing() -> None:
    plain = model("plain", features=frozenset())
    asked = request(sampling=Sampling(temperature=1.0, top_p=1.0, presence_penalty=0.0))
    assert decide(asked, signals(), policy(route(Role("fast", plain))), prices(plain), NOW).model == "plain"


@pytest.mark.row("E8")
def test_a_model_retires_on_its_day() -> None:
    old = model("old", retires=date(2026, 11, 21))
    decision = decide(request(), signals(), policy(route(Role("fast", old, (LARGE,)))), prices(old, LARGE), NOW)
    assert (decision.model, decision.rejected[0].reason) == ("large", "retired")
    day_before = NOW.replace(day=20)
    assert decide(request(), signals(), policy(route(Role("fast", old))), prices(old), day_before).model == "old"


def test_each_limit_has_its_own_refusal() -> None:
    slow = model("slow", typical_latency_ms=20_000)
    cases = {
        "context_length_exceeded": decide(request(), signals(tokens=200_000), POLICY, PRICES, NOW),
        "max_tokens_exceeded": decide(request(max_output_tokens=1_001), signals(), POLICY, PRICES, NOW),
        "cost_limit_exceeded": decide(request(), signals(), policy(route(FAST, cost=512)), PRICES, NOW),
        "deadline_too_short": decide(request(), signals(), policy(route(Role("f", slow))), prices(slow), NOW),
        "no_eligible_model": decide(request(), signals(), POLICY, prices(), NOW),
    }
    for code, decision in cases.items():
        assert decision.hops == ()
        assert refusal(decision).code == code


def test_the_worst_price_counts_input_at_its_dearest_and_all_output() -> None:
    assert decide(request(), signals(), policy(route(FAST, cost=513)), PRICES, NOW).hops[0].worst_cost_microusd == 513


@pytest.mark.row("C3")
def test_the_deadline_is_the_callers_within_what_the_gateway_waits() -> None:
    assert decide(request(), signals(), POLICY, PRICES, NOW).deadline_ms == 10_000
    assert decide(request(deadline_ms=3_000), signals(), POLICY, PRICES, NOW).deadline_ms == 3_000
    assert decide(request(deadline_ms=600_000), signals(), POLICY, PRICES, NOW).deadline_ms == 28_000


def test_the_caller_may_name_a_role_or_a_model() -> None:
    here = policy(route(FAST), route(Role("other", SOLO)), extra=[LARGE])
    assert decide(request(model="other"), signals(), here, PRICES, NOW).model == "solo"
    named = decide(request(model="large"), signals(), here, PRICES, NOW)
    assert [hop.model for hop in named.hops] == ["large"]
    with pytest.raises(NotFound) as caught:
        decide(request(model="gpt-nope"), signals(), here, PRICES, NOW)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_no_route_is_an_error() -> None:
    with pytest.raises(Unprocessable, match="no route") as caught:
        decide(request(), signals(), policy(route(FAST, workload="extract")), PRICES, NOW)
    assert caught.value.code == "no_route"


@pytest.mark.row("A8")
def test_a_compliance_request_on_an_unpinned_route_is_refused() -> None:
    with pytest.raises(Unprocessable) as caught:
        decide(request(), signals(needs_compliance_check=True), policy(route(FAST)), PRICES, NOW)
    assert caught.value.code == "compliance_unrouted"


@pytest.mark.row("A8")
@pytest.mark.row("E6")
@given(
    asked=st.sampled_from(["auto", "fast", "compliance", "small", "large", "solo"]),
    tokens=st.integers(0, 200_000),
    max_output=st.one_of(st.none(), st.integers(1, 2_000)),
    retired=st.booleans(),
    temperature=st.one_of(st.none(), st.floats(0, 2)),
)
def test_nothing_moves_a_compliance_request_off_its_pin(
    asked: str, tokens: int, max_output: int | None, retired: bool, temperature: float | None
) -> None:
    pin = model("solo", retires=date(2026, 1, 1) if retired else None)
    here = policy(route(Role("compliance", pin, pinned=True), needs_compliance_check=True), route(FAST))
    wanted = request(model=asked, max_output_tokens=max_output, sampling=Sampling(temperature=temperature))
    decision = decide(wanted, signals(tokens, needs_compliance_check=True), here, PRICES, NOW)
    assert decision.pinned
    assert {hop.model for hop in decision.hops} <= {"solo"}
    assert not (retired and decision.hops)


@pytest.mark.row("E7")
@given(tokens=st.integers(0, 120_000), max_output=st.one_of(st.none(), st.integers(1, 1_200)))
def test_no_hop_is_offered_that_cannot_hold_the_request(tokens: int, max_output: int | None) -> None:
    decision = decide(request(max_output_tokens=max_output), signals(tokens), POLICY, PRICES, NOW)
    for hop in decision.hops:
        assert tokens + hop.max_output_tokens <= hop.window_tokens
        assert hop.max_output_tokens <= 1_000
    assert {one.model for one in decision.hops} | {one.model for one in decision.rejected} == {"small", "large"}
