"""Whether a confidence means what it says: among replies at 0.8, are eight of ten good?"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

BINS = 10


@dataclass(frozen=True)
class Bin:
    """``least`` <= value < ``least`` + 0.1; the last one holds 1 too. Means are None where it is empty."""

    least: float
    count: int
    confidence: float | None
    good: float | None


@dataclass(frozen=True)
class Reliability:
    """``ece``: expected calibration error, the mean gap of the bins by their counts (Guo et al., arXiv 1706.04599).

    ``brier``: mean squared error; ``base_brier`` what always saying ``share_good`` would score. All 0..1.
    """

    bins: tuple[Bin, ...]
    count: int
    confidence: float
    share_good: float
    ece: float
    brier: float

    @property
    def base_brier(self) -> float:
        return self.share_good * (1 - self.share_good)


def reliability(values: Sequence[float], good: Sequence[float]) -> Reliability:
    """``good``: 1 or 0 for each value. Raises ``ValueError`` for none."""
    if not values:
        raise ValueError("nothing to measure")
    held: list[list[tuple[float, float]]] = [[] for _ in range(BINS)]
    for value, one in zip(values, good, strict=True):
        held[min(BINS - 1, int(value * BINS))].append((value, one))
    bins = tuple(_bin(place / BINS, pairs) for place, pairs in enumerate(held))
    gaps = (
        one.count * abs(one.confidence - one.good)
        for one in bins
        if one.confidence is not None and one.good is not None
    )
    return Reliability(
        bins=bins,
        count=len(values),
        confidence=fmean(values),
        share_good=fmean(good),
        ece=sum(gaps) / len(values),
        brier=fmean((value - one) ** 2 for value, one in zip(values, good, strict=True)),
    )


def _bin(least: float, pairs: Sequence[tuple[float, float]]) -> Bin:
    if not pairs:
        return Bin(least, 0, None, None)
    return Bin(least, len(pairs), fmean(value for value, _ in pairs), fmean(one for _, one in pairs))
