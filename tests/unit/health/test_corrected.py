"""The policy's figures, corrected by what was measured."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.contracts.runtime import ModelState, Runtime
from signalbox.decision.decide import decide
from signalbox.health.corrected import corrected, corrected_factor
from signalbox.policy.resolved import Role
from signalbox.signals.extract import extract
from tests.builders import NOW, model, policy, prices, request, route, signals

A, B = model("a", window_tokens=2_000, token_factor=1.2, typical_latency_ms=4_000), model("b", window_tokens=9_000)
POLICY = policy(route(Role("fast", A, (B,)), deadline_ms=3_000))


def measured(ratio: float | None, attempts: float = 50, latency_ms: float | None = None) -> Runtime:
    return Runtime(models={"a": ModelState(attempts=attempts, token_ratio=ratio, latency_ms=latency_ms)})


@pytest.mark.row("E7")
@pytest.mark.parametrize(
    ("ratio", "attempts", "factor"),
    [
        (None, 50, 1.2),
        (1.1, 50, 1.2),  # near enough
        (1.2, 50, 1.26),
        (1.2, 0.1, 1.26),  # raised at the first sign
        (5.0, 50, 2.4),
        (0.8, 50, 1.0),
        (0.8, 1, 1.2),  # lowered with enough attempts only
        (0.1, 50, 0.6),
    ],
)
def test_the_factor_follows_the_average_and_errs_high(ratio: float | None, attempts: float, factor: float) -> None:
    here = corrected(POLICY, measured(ratio, attempts))
    assert here.roster["a"].token_factor == pytest.approx(factor)
    assert here.roster["b"] is B


def test_where_nothing_was_learnt_it_is_the_same_policy() -> None:
    assert corrected(POLICY, Runtime()) is POLICY


def test_a_route_that_names_a_model_is_corrected_too() -> None:
    here = corrected(replace(POLICY, roles={}), measured(1.2))
    assert here.routes[0].role.pin.token_factor == pytest.approx(1.26)


@pytest.mark.row("E7")
def test_signals_and_sizing_see_the_same_factor() -> None:
    """The window's edge moves with the factor in both, so the count that the decision needs is exact."""
    here = corrected(POLICY, measured(2.0, latency_ms=900))
    asked = request("word " * 790)  # 1,660 of 2,000 tokens by 2.1, 950 by 1.2
    seen = extract(asked, here, NOW)
    assert seen.tokens.exact
    assert decide(asked, seen, here, prices(A, B), NOW).hops[0].input_tokens == math.ceil(
        (seen.tokens.value + seen.tokens.framing) * 2.1
    )


@pytest.mark.row("C3")
def test_a_quicker_average_lets_a_model_in_and_a_slower_one_shuts_none_out() -> None:
    def chosen(runtime: Runtime) -> str | None:
        here = corrected(POLICY, runtime)
        return decide(request(), signals(), here, prices(A, B), NOW).model

    assert chosen(Runtime()) == "b"
    assert chosen(measured(None, latency_ms=900)) == "a"
    assert chosen(measured(None, attempts=1, latency_ms=900)) == "b"
    assert corrected(POLICY, measured(None, latency_ms=60_000)) is POLICY


@pytest.mark.row("E7")
@given(
    policys=st.floats(0.5, 4),
    ratio=st.floats(0.01, 10),
    attempts=st.floats(0, 1_000),
    tokens=st.integers(0, 1_500),
)
def test_a_hop_is_never_sized_below_its_measured_average(
    policys: float, ratio: float, attempts: float, tokens: int
) -> None:
    """Up to twice what the policy says: no caller's odd texts move it further."""
    wide = model("a", window_tokens=10_000_000, token_factor=policys)
    here = corrected(policy(route(Role("fast", wide))), measured(ratio, attempts))
    (hop,) = decide(request(), signals(tokens), here, prices(wide), NOW).hops
    assert hop.input_tokens >= math.floor(tokens * min(ratio, 2 * policys))
    assert here.roster["a"].token_factor >= policys / 2
    assert here.roster["a"] == here.roles["fast"].pin == here.routes[0].role.pin


@given(policys=st.floats(0.5, 4), ratios=st.tuples(st.floats(0.01, 10), st.floats(0.01, 10)), enough=st.booleans())
def test_more_tokens_never_make_a_smaller_factor(policys: float, ratios: tuple[float, float], enough: bool) -> None:
    low, high = sorted(ratios)
    assert corrected_factor(policys, low, enough=enough) <= corrected_factor(policys, high, enough=enough)
