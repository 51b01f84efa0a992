"""Mean, least and entropy out of token log-probabilities."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.adapters.logprobs import LEAST_LOGPROB, Odds, TokenOdds, odds


def test_nothing_shown_is_nothing_known() -> None:
    assert odds([]) == Odds(None, None, None)
    assert odds([TokenOdds(-0.25), TokenOdds(-0.75)]) == Odds(-0.5, -0.75, None)


@pytest.mark.row("A8")
@pytest.mark.parametrize(
    ("shown", "entropy"),
    [
        ((1.0,), 0.0),
        ((0.5, 0.5), math.log(2)),
        ((0.2, 0.2, 0.2, 0.2, 0.2), math.log(5)),
        # 0.2 was not shown, and each piece of it is 0.2 at most: -(0.5 ln 0.5 + 0.3 ln 0.3) - 0.2 ln 0.2
        ((0.5, 0.3), 1.0296530140645737),
        # 0.5 was not shown, and each piece of it is 0.1 at most: -(0.4 ln 0.4 + 0.1 ln 0.1) - 0.5 ln 0.1
        ((0.4, 0.1), 1.7480673485460894),
    ],
)
def test_the_entropy_counts_what_was_not_shown(shown: tuple[float, ...], entropy: float) -> None:
    found = odds([TokenOdds(math.log(shown[0]), tuple(map(math.log, shown)))])
    assert found.mean_entropy == pytest.approx(entropy)


def test_the_mean_is_over_the_positions_that_show_alternatives() -> None:
    half = (math.log(0.5), math.log(0.5))
    found = odds([TokenOdds(math.log(0.5), half), TokenOdds(0.0, (0.0,)), TokenOdds(-3.0)])
    assert found.mean_entropy == pytest.approx(math.log(2) / 2)
    assert found.min_logprob == -3.0


@pytest.mark.parametrize("sent", [-9999.0, -math.inf, math.nan])
def test_what_is_out_of_sight_does_not_drown_the_rest(sent: float) -> None:
    assert odds([TokenOdds(0.0)] * 3 + [TokenOdds(sent)]) == Odds(LEAST_LOGPROB / 4, LEAST_LOGPROB, None)


@st.composite
def distributions(draw: st.DrawFn) -> list[float]:
    weights = draw(st.lists(st.floats(0.01, 1), min_size=2, max_size=12))
    return sorted((weight / sum(weights) for weight in weights), reverse=True)


@pytest.mark.row("A8")
@given(distributions(), st.integers(1, 12))
def test_the_entropy_never_says_more_than_is_certain_nor_less_than_is_shown(whole: list[float], seen: int) -> None:
    shown = whole[:seen]
    found = odds([TokenOdds(math.log(shown[0]), tuple(map(math.log, shown)))]).mean_entropy
    true = -sum(p * math.log(p) for p in whole)
    assert found is not None
    assert -sum(p * math.log(p) for p in shown) - 1e-9 <= found <= true + 1e-9


@given(st.lists(st.tuples(st.floats(), st.lists(st.floats(), max_size=5)), max_size=5))
def test_whatever_a_server_sends_the_figures_are_finite(sent: list[tuple[float, list[float]]]) -> None:
    found = odds([TokenOdds(chosen, tuple(shown)) for chosen, shown in sent])
    for figure in (found.mean_logprob, found.min_logprob):
        assert figure is None or LEAST_LOGPROB <= figure <= 0
    assert found.mean_entropy is None or 0 <= found.mean_entropy < math.inf
