"""Models that may not be asked just now, and what the caller is told when none may."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.contracts.decisions import Decision
from signalbox.contracts.runtime import ModelState, Runtime
from signalbox.decision.decide import decide
from signalbox.decision.refusal import refusal
from signalbox.policy.resolved import Role
from tests.builders import NOW, model, policy, prices, request, route, signals

NOW_MS = round(NOW.timestamp() * 1_000)
SMALL, LARGE, SOLO, CHEAP = model("small", window_tokens=1_000), model("large"), model("solo"), model("cheap")
FAST, PINNED = Role("fast", SMALL, (LARGE,)), Role("compliance", SOLO, pinned=True)
PRICES = prices(SMALL, LARGE, SOLO, CHEAP)
POLICY = policy(
    route(PINNED, "pin", needs_compliance_check=True),
    route(FAST, "rest", workload="chat"),
    route(Role("thrifty", CHEAP), "never", workload="extract"),
)


def cooling(for_ms: int, by: Any = "errors") -> ModelState:
    return ModelState(circuit="cooling", shut_until_ms=NOW_MS + for_ms, shut_by=by)


def decided(states: dict[str, ModelState], tokens: int = 10, compliance: bool = False, **more: Any) -> Decision:
    seen = signals(tokens, needs_compliance_check=compliance)
    return decide(request(), seen, POLICY, PRICES, NOW, Runtime(models=states), **more)


@pytest.mark.row("E9")
def test_a_model_that_cools_is_passed_over() -> None:
    decision = decided({"small": cooling(2_500)})
    assert decision.model == "large"
    (one,) = decision.rejected
    assert (one.model, one.reason, one.retry_after_ms) == ("small", "health", 2_500)
    assert one.detail == "cooling until 2026-11-21T12:00:02.500+00:00: it failed too often"
    told = decided({"small": cooling(2_500, "retry_after")}).rejected[0].detail
    assert told.endswith("its provider asked to wait")


@pytest.mark.row("E9")
def test_a_model_that_comes_back_is_probed_where_it_stands() -> None:
    states = {"small": ModelState(circuit="probing")}
    assert [(hop.model, hop.probe) for hop in decided(states).hops] == [("small", True), ("large", False)]
    states = {"large": ModelState(circuit="probing")}
    assert [(hop.model, hop.probe) for hop in decided(states).hops] == [("small", False), ("large", True)]


@pytest.mark.row("E9")
def test_when_all_cool_the_earliest_end_is_told() -> None:
    error = refusal(decided({"small": cooling(9_000), "large": cooling(4_000)}))
    assert (error.status, error.code, error.retry_after_ms) == (503, "no_eligible_model", 4_000)


@pytest.mark.row("E6")
@pytest.mark.row("E9")
def test_a_pin_that_cools_is_waited_for_and_never_left() -> None:
    decision = decided({"solo": cooling(4_000)}, compliance=True, degraded_to="thrifty")
    assert decision.hops == ()
    assert refusal(decision).retry_after_ms == 4_000


@pytest.mark.row("C11")
def test_a_full_gate_is_passed_over_or_told() -> None:
    decision = decided({}, full={"small": "16 in flight"})
    assert (decision.model, decision.rejected[0].reason, decision.rejected[0].detail) == (
        "large",
        "gate",
        "16 in flight",
    )
    error = refusal(decided({"large": cooling(400)}, full={"small": "16 in flight"}))
    assert (error.status, error.code, error.retry_after_ms) == (429, "gate_full", 400)


@pytest.mark.row("E7")
def test_what_may_be_answered_later_is_told_before_what_will_never_be() -> None:
    decision = decided({"large": cooling(4_000)}, tokens=2_000)
    assert [one.reason for one in decision.rejected] == ["window", "health"]
    assert refusal(decision).code == "no_eligible_model"
    hopeless = decided({"large": cooling(4_000)}, tokens=20_000)
    assert refusal(hopeless).code == "context_length_exceeded"


@pytest.mark.row("E2")
def test_a_limit_that_is_reached_brings_in_the_cheaper_role() -> None:
    decision = decided({}, degraded_to="thrifty")
    assert (decision.role, decision.model) == ("thrifty", "cheap")
    assert "a limit is reached: role thrifty answers instead" in decision.reasons
    pinned = decided({}, compliance=True, degraded_to="thrifty")
    assert (pinned.role, pinned.model) == ("compliance", "solo")


states = st.dictionaries(
    st.sampled_from(["small", "large", "solo", "cheap"]),
    st.builds(
        lambda circuit, ms: cooling(ms) if circuit == "cooling" else ModelState(circuit=circuit),
        st.sampled_from(["closed", "cooling", "probing"]),
        st.integers(1, 300_000),
    ),
)


@pytest.mark.row("A8")
@pytest.mark.row("E9")
@given(
    states=states,
    tokens=st.integers(0, 12_000),
    compliance=st.booleans(),
    full=st.sets(st.sampled_from(["small", "large", "solo"])),
    degraded_to=st.none() | st.just("thrifty"),
)
def test_nobody_is_asked_who_cools_and_the_pin_holds(
    states: dict[str, ModelState], tokens: int, compliance: bool, full: set[str], degraded_to: str | None
) -> None:
    places = dict.fromkeys(full, "full")
    decision = decided(states, tokens, compliance, full=places, degraded_to=degraded_to)
    for hop in decision.hops:
        state = states.get(hop.model, ModelState())
        assert state.circuit != "cooling"
        assert hop.model not in full
        assert hop.probe == (state.circuit == "probing")
    if compliance:
        assert {hop.model for hop in decision.hops} <= {"solo"}
    if not decision.hops:
        later = [one for one in decision.rejected if one.retry_after_ms is not None]
        assert (refusal(decision).retry_after_ms is not None) == bool(later)
