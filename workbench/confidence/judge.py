"""A judge of fast replies, as good as one says: for where none were recorded to judge. Modelled, never measured."""

import math
import random
from collections.abc import Sequence
from statistics import NormalDist


def modelled_doubt(right: Sequence[float], auc: float, seed: int) -> list[float]:
    """A score for each reply, higher for doubt: a wrong one gets a higher one than a right one with chance ``auc``.

    Two normal distributions of the same width, one shifted (the binormal model of a ROC curve). ``right`` 0..1.
    """
    draw = random.Random(seed)  # noqa: S311 a reproducible model, not a secret
    shift = math.sqrt(2) * NormalDist().inv_cdf(auc)
    return [draw.gauss(0, 1) + shift * (1 - one) for one in right]


def auc_of(scores: Sequence[float], positive: Sequence[bool]) -> float:
    """The chance that a positive one has the higher score; ties count half. NaN where all are of one kind."""
    ranks = _ranks(scores)
    count = sum(positive)
    pairs = count * (len(scores) - count)
    if not pairs:
        return math.nan
    above = sum(rank for rank, one in zip(ranks, positive, strict=True) if one)
    return (above - count * (count + 1) / 2) / pairs


def _ranks(scores: Sequence[float]) -> list[float]:
    """From 1; equals share the mean of theirs."""
    order = sorted(range(len(scores)), key=scores.__getitem__)
    ranks, start = [0.0] * len(scores), 0
    while start < len(order):
        end = start
        while end < len(order) and scores[order[end]] == scores[order[start]]:
            end += 1
        for place in order[start:end]:
            ranks[place] = (start + 1 + end) / 2
        start = end
    return ranks
