"""Calibration finds the temperature and the line that data were made with."""

import math

import numpy as np
import pytest

from workbench.training.calibrate import expected_error, line, mixture, reliability, sigmoid, temperature

pytestmark = pytest.mark.row("B7")

CHANCE = np.random.default_rng(5)
LOGITS = CHANCE.normal(0, 2, 20_000)


def outcomes(logits: np.ndarray) -> np.ndarray:
    return (CHANCE.random(len(logits)) < sigmoid(logits)).astype(np.float64)


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (0.5, -1.0), (2.0, 1.5)])
def test_a_line_is_found_again(scale: float, offset: float) -> None:
    found = line(LOGITS, outcomes(scale * LOGITS + offset))
    assert found[0] == pytest.approx(scale, abs=0.1)
    assert found[1] == pytest.approx(offset, abs=0.1)


def test_a_line_never_falls_and_never_is_sure() -> None:
    assert line(LOGITS, outcomes(-LOGITS))[0] > 0
    scale, offset = line(np.array([-1.0, 1.0]), np.array([0.0, 1.0]))
    assert 0 < sigmoid(np.array([scale + offset]))[0] < 0.9
    assert all(math.isfinite(one) for one in line(np.array([1.0, 2.0]), np.array([0.0, 0.0])))


@pytest.mark.parametrize("wanted", [0.5, 1.0, 3.0])
def test_a_temperature_is_found_again(wanted: float) -> None:
    logits = CHANCE.normal(0, 2, (5_000, 4))
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    classes = (CHANCE.random((5_000, 1)) > shares.cumsum(1)).sum(1).astype(np.float64)
    assert temperature(logits * wanted, classes) == pytest.approx(wanted, rel=0.1)


def test_what_is_not_known_does_not_count() -> None:
    known = outcomes(LOGITS)
    more = np.concatenate([known, np.full(50, np.nan)])
    assert line(np.concatenate([LOGITS, np.full(50, 99.0)]), more) == line(LOGITS, known)
    logits, classes = np.eye(3)[[0, 1, 2, 0]], np.array([0.0, 1.0, 2.0, 1.0])
    with_unknown = temperature(np.vstack([logits, logits]), np.concatenate([classes, np.full(4, np.nan)]))
    assert with_unknown == pytest.approx(temperature(logits, classes))


def test_a_mixture_weighs_both_scores_whatever_their_size() -> None:
    other = CHANCE.normal(0, 200, len(LOGITS))
    wanted = outcomes(LOGITS / 2 + other / 200)
    first, second, offset = mixture(LOGITS, other, wanted, 0.5)
    assert first == pytest.approx(0.5, rel=0.1)
    assert second == pytest.approx(0.005, rel=0.1)
    assert offset == pytest.approx(0, abs=0.1)
    assert mixture(LOGITS, other, wanted, 1.0)[1] == 0
    assert all(math.isfinite(one) for one in mixture(np.zeros(9), other[:9], wanted[:9], 0.5))


def test_the_expected_error_is_that_of_equal_bins() -> None:
    probabilities = sigmoid(LOGITS)
    assert expected_error(probabilities, outcomes(LOGITS)) < 0.02
    assert expected_error(np.full(10, 0.9), np.zeros(10)) == pytest.approx(0.9)
    assert expected_error(np.array([0.2, 0.8]), np.array([0.0, 1.0]), bins=2) == pytest.approx(0.2)
    assert expected_error(np.array([0.9, 0.1, 0.2]), np.array([1.0, 0, 0]), bins=2) == pytest.approx(
        (2 * 0.15 + 0.1) / 3
    )


def test_reliability_rises_and_counts_all() -> None:
    found = reliability(sigmoid(LOGITS), outcomes(LOGITS))
    assert sum(count for _, _, count in found) == len(LOGITS)
    assert [mean for mean, _, _ in found] == sorted(mean for mean, _, _ in found)
    assert all(abs(mean - share) < 0.05 for mean, share, _ in found)
    assert len(reliability(np.array([0.5]), np.array([1.0]))) == 1
