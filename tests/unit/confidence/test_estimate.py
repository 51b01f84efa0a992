"""The estimate's promises: it rises with better evidence, what is missing counts against, hard facts dominate."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.confidence.estimate import SIGNALS, estimate, sigmoid
from signalbox.confidence.weights import Ramp, Weights, load_weights
from signalbox.contracts.decisions import Terms
from signalbox.contracts.evidence import Evidence
from signalbox.policy.load import load_resource

SHIPPED = load_weights()
CHECKS = ("schema_valid", "citations_valid")
SHARES = ("agreement", "self_check")
FINISHES = ("stop", "tool_calls", "length", "content_filter", "unheard-of")
BEST: dict[str, Any] = {
    "mean_logprob": 0.0,
    "min_logprob": 0.0,
    "mean_entropy": 0.0,
    "schema_valid": True,
    "citations_valid": True,
    "agreement": 1.0,
    "self_check": 1.0,
}
SAFE = 0.5  # the lowest of the default thresholds


def value(weights: Weights = SHIPPED, **fields: Any) -> float:
    return estimate(Evidence(**({"prior": 0.9} | fields)), weights).value


numbers = st.floats(-60, 5) | st.sampled_from([-9999.0, 0.0])
shares = st.floats(0, 1)


def of(name: str) -> st.SearchStrategy[Any]:
    if name in CHECKS:
        return st.booleans()
    return shares if name in SHARES else numbers.map(abs) if name == "mean_entropy" else numbers


evidences = st.builds(
    Evidence,
    prior=shares,
    finish_reason=st.sampled_from(FINISHES),
    refused=st.booleans(),
    hedges=st.integers(0, 50),
    **{name: st.none() | of(name) for name in SIGNALS},
)


@st.composite
def some_weights(draw: st.DrawFn) -> Weights:
    """Any that a fit may come to."""
    log_odds = st.floats(0, 8)

    def ramp(shipped: Ramp) -> dict[str, Any]:
        best = draw(log_odds)
        change = {"at_best": best, "at_worst": best - draw(log_odds), "missing": -draw(log_odds)}
        return shipped.model_dump() | change

    whole = SHIPPED.model_dump()
    whole["prior"] |= {"intercept": draw(st.floats(-8, 8)), "slope": draw(st.floats(0, 3))}
    whole["hedges"] |= {"each": -draw(log_odds)}
    whole["signals"] = {name: ramp(getattr(SHIPPED.signals, name)) for name in SIGNALS}
    return Weights.model_validate(whole)


@given(evidences, some_weights())
def test_it_is_a_probability_and_its_parts_add_up(evidence: Evidence, weights: Weights) -> None:
    found = estimate(evidence, weights)
    assert math.isfinite(found.value)
    assert 0 <= found.value <= 1
    assert found.value == pytest.approx(sigmoid(math.fsum(found.contributions.values())))
    assert set(found.missing) == {name for name in SIGNALS if getattr(evidence, name) is None}


@given(evidences, some_weights(), st.sampled_from(SIGNALS), st.data())
def test_better_evidence_never_lowers_it(evidence: Evidence, weights: Weights, name: str, data: st.DataObject) -> None:
    worse, better = sorted(data.draw(st.tuples(of(name), of(name))), reverse=name == "mean_entropy")
    values = [estimate(evidence.model_copy(update={name: one}), weights).value for one in (worse, better)]
    assert values[0] <= values[1] + 1e-12


@given(evidences, some_weights(), shares, shares)
def test_a_better_prior_never_lowers_it(evidence: Evidence, weights: Weights, one: float, other: float) -> None:
    low, high = (
        estimate(evidence.model_copy(update={"prior": prior}), weights).value for prior in sorted((one, other))
    )
    assert low <= high + 1e-12


@given(evidences, some_weights())
def test_plainer_words_and_a_whole_reply_never_lower_it(evidence: Evidence, weights: Weights) -> None:
    now = estimate(evidence, weights).value
    changes: list[dict[str, Any]] = [{"hedges": evidence.hedges // 2}, {"refused": False}, {"finish_reason": "stop"}]
    for change in changes:
        assert estimate(evidence.model_copy(update=change), weights).value >= now - 1e-12


@pytest.mark.row("E4")
@given(evidences, some_weights(), st.sampled_from(SIGNALS))
def test_dropping_a_signal_never_helps(evidence: Evidence, weights: Weights, name: str) -> None:
    without = estimate(evidence.model_copy(update={name: None}), weights)
    best = estimate(evidence.model_copy(update={name: BEST[name]}), weights)
    assert without.value <= best.value + 1e-12
    assert name in without.missing
    assert without.contributions[name] <= 0


@pytest.mark.row("E4")
@pytest.mark.parametrize(
    "fact",
    [
        {"schema_valid": False},
        {"citations_valid": False},
        {"refused": True},
        {"finish_reason": "length"},
        {"finish_reason": "content_filter"},
        {"finish_reason": "unheard-of"},
    ],
    ids=str,
)
@given(weights=some_weights())
def test_hard_facts_dominate_whatever_the_weights(fact: dict[str, Any], weights: Weights) -> None:
    sure = {"prior": 1.0} | BEST | fact
    assert value(weights, **sure) <= SHIPPED.ceiling.value + 1e-12
    assert SHIPPED.ceiling.value < SAFE


@pytest.mark.row("A3")
def test_the_shipped_weights_send_what_nothing_is_known_of_to_the_stronger_model() -> None:
    assert value() < Terms().accept
    assert value(prior=1.0) < Terms().accept  # no prior stands in for evidence
    assert value() >= Terms().escalate  # a look suffices
    assert value(prior=0.3) < Terms().escalate


@pytest.mark.row("E4")
@given(shares | st.just(1.0), st.none() | st.just(0.5) | st.floats(0, 0.5))
def test_no_prior_makes_a_reply_final_by_itself(prior: float, self_check: float | None) -> None:
    """GIVEN nothing else in favour, and a self-check that is missing, undecided or a no THEN somebody looks at it."""
    assert value(prior=prior, self_check=self_check) < Terms().accept


@pytest.mark.row("E4")
def test_nor_on_any_shipped_route() -> None:
    judged = [route for route in load_resource().routes if route.plan == "cascade" or route.plan == "verify"]
    assert {"cascade", "middling"} <= {route.name for route in judged}
    for route in judged:
        assert max(value(prior=1.0), value(prior=1.0, self_check=0.5)) < route.terms.accept, route.name


@pytest.mark.row("B7")
def test_token_log_probabilities_and_entropy_decide() -> None:
    sure = value(mean_logprob=-0.05, min_logprob=-0.8, mean_entropy=0.1)
    torn = value(mean_logprob=-1.4, min_logprob=-7.0, mean_entropy=1.9)
    assert sure >= Terms().accept
    assert torn < Terms().escalate


def test_a_self_check_decides_where_there_are_no_log_probabilities() -> None:
    assert value(self_check=1.0) >= Terms().accept
    assert value(self_check=0.0) < Terms().escalate
    assert value(prior=0.7, self_check=1.0) < Terms().accept


@pytest.mark.parametrize("nonsense", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_missing(nonsense: float) -> None:
    found = estimate(Evidence(prior=0.9, mean_logprob=nonsense), SHIPPED)
    assert "mean_logprob" in found.missing
    assert found.value == value()


def test_a_prior_of_nought_or_one_is_finite() -> None:
    assert 0 < value(prior=0.0) < value(prior=1.0) < 1
    assert sigmoid(-1e6) == 0
    assert sigmoid(1e6) == 1
