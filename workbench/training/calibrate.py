"""Calibration on examples that were kept out of training: temperatures, and mixtures for single probabilities."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

Column = NDArray[np.float64]


def temperature(logits: Column, wanted: Column) -> float:
    """Of a softmax: what the logits are divided by for the least log loss. ``wanted``: indices, NaN unknown."""
    known = ~np.isnan(wanted)
    rows, goal = logits[known].astype(np.float64), wanted[known].astype(int)

    def loss(log_temperature: float) -> float:
        scaled = rows / np.exp(log_temperature)
        scaled = scaled - scaled.max(1, keepdims=True)
        return float((np.log(np.exp(scaled).sum(1)) - scaled[np.arange(len(goal)), goal]).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))


def line(logits: Column, wanted: Column) -> tuple[float, float]:
    """Scale and offset of a logit (Platt, with his targets). ``wanted``: 0..1, NaN unknown."""
    known = ~np.isnan(wanted)
    x, y = logits[known].astype(np.float64), wanted[known].astype(np.float64)
    positives, negatives = float(y.sum()), float((1 - y).sum())
    y = y * (positives + 1) / (positives + 2) + (1 - y) / (negatives + 2)
    found = minimize(lambda at: _log_loss(at[0] * x + at[1], y), np.array([1.0, 0.0]), method="Nelder-Mead")
    return max(1e-3, float(found.x[0])), float(found.x[1])


def mixture(first: Column, second: Column, wanted: Column, share: float) -> tuple[float, float, float]:
    """Weights of two scores and an offset: the two standardised, mixed ``share`` to ``1 - share``, and fitted as
    ``line`` does. ``wanted``: 0..1, NaN unknown."""
    known = ~np.isnan(wanted)
    scales = float(first[known].std()) or 1.0, float(second[known].std()) or 1.0
    scale, offset = line(share * first / scales[0] + (1 - share) * second / scales[1], wanted)
    return scale * share / scales[0], scale * (1 - share) / scales[1], offset


def expected_error(probabilities: Column, outcomes: Column, bins: int = 10) -> float:
    """Expected calibration error over bins of equal size."""
    order = np.argsort(probabilities, kind="stable")
    parts: Sequence[Column] = np.array_split(order, bins)
    gaps = [abs(probabilities[at].mean() - outcomes[at].mean()) * len(at) for at in parts if len(at)]
    return float(sum(gaps) / max(1, len(order)))


def reliability(probabilities: Column, outcomes: Column, bins: int = 10) -> list[tuple[float, float, int]]:
    """Of bins of equal size: mean probability, share of outcomes, count."""
    order = np.argsort(probabilities, kind="stable")
    return [
        (float(probabilities[at].mean()), float(outcomes[at].mean()), len(at))
        for at in np.array_split(order, bins)
        if len(at)
    ]


def sigmoid(logits: Column) -> Column:
    found: Column = 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
    return found


def _log_loss(logits: Column, wanted: Column) -> float:
    return float((np.logaddexp(0, logits) - wanted * logits).mean())
