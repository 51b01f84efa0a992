"""Figures of merit: APGR with its bootstrap, accuracy and recall, and the slope of time over length."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from statistics import fmean, linear_regression

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]

RESAMPLES = 2_000
OUT_OF_SCOPE = "oos"
# Resamples at a time: a few thousand prompts each take some megabytes.
_CHUNK = 250


@dataclass(frozen=True)
class Interval:
    """Of a bootstrap: the mean, and what 95 % of the resamples lie between."""

    mean: float
    low: float
    high: float


def apgr(scores: Sequence[float], weak: Sequence[float], strong: Sequence[float]) -> float:
    """As ``workbench.confidence.curves``; the highest scores go to the strong model.

    Raises ``ValueError`` where the strong model is no better: there is no gap to recover.
    """
    if not fmean(strong) > fmean(weak):
        raise ValueError("the strong model is no better here: there is no gap to recover")
    once = np.ones((1, len(scores)))
    return float(_areas(np.asarray(scores, float), np.asarray(strong, float) - np.asarray(weak, float), once)[0])


def resampled(
    scores: Mapping[str, Sequence[float]], weak: Sequence[float], strong: Sequence[float], seed: int
) -> dict[str, Column]:
    """APGR of each method on the same ``RESAMPLES`` draws of the prompts, shape (RESAMPLES,); NaN where a draw has no
    gap."""
    count, chance = len(weak), np.random.default_rng(seed)
    gains = np.asarray(strong, float) - np.asarray(weak, float)
    found: dict[str, list[Column]] = {name: [] for name in scores}
    for at in range(0, RESAMPLES, _CHUNK):
        drawn = chance.multinomial(count, np.full(count, 1 / count), min(_CHUNK, RESAMPLES - at)).astype(float)
        for name, column in scores.items():
            found[name].append(_areas(np.asarray(column, float), gains, drawn))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def interval(values: Column) -> Interval:
    """Of the resamples that are numbers."""
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return Interval(float(np.nanmean(values)), float(low), float(high))


def accuracy_and_recall(found: Sequence[str], wanted: Sequence[str]) -> tuple[float, float]:
    """Of what is in scope, the share that is right; of what is not, the share that is told to be ``oos``."""
    pairs = list(zip(found, wanted, strict=True))
    inside = [one == other for one, other in pairs if other != OUT_OF_SCOPE]
    outside = [one == other for one, other in pairs if other == OUT_OF_SCOPE]
    return fmean(inside or [0.0]), fmean(outside or [0.0])


def slope(lengths: Sequence[float], times: Sequence[float]) -> float:
    """Of log time over log length: 0 is constant, 1 linear, 2 quadratic."""
    return linear_regression([log(one) for one in lengths], [log(one) for one in times]).slope


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _areas(scores: Column, gains: Column, drawn: Column) -> Column:
    """Under the recovered share over the share sent, for each row of ``drawn``: how often each prompt was drawn.

    Equal scores are one block along a straight line, so what is summed is what stands at the blocks' ends.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    times = drawn[:, order]
    sent = _from_nothing(np.cumsum(times, axis=1)[:, ends])
    gained = _from_nothing(np.cumsum(times * gains[order], axis=1)[:, ends])
    sums = ((gained[:, 1:] + gained[:, :-1]) / 2 * np.diff(sent, axis=1)).sum(axis=1)
    gaps = np.where(gained[:, -1] > 1e-9, gained[:, -1], np.nan)
    return np.asarray(sums / sent[:, -1] / gaps)


def _from_nothing(sums: Column) -> Column:
    return np.concatenate([np.zeros((len(sums), 1)), sums], axis=1)
