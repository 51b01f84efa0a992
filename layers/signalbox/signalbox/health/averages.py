"""Exponentially weighted averages that are kept by additions alone, so that one blind write takes an attempt in.

Forward decay: instead of fading what is old, each attempt counts more than those before it, by 2^(age of the epoch
in half-lives). Sums of such weights are only ever added to, in any order, and the ratio of two of them is the
average with exponentially fading weights. Weights would grow without end, so they begin anew every epoch.
Source: Cormode, Shkapenyuk, Srivastava, Xu: Forward Decay, ICDE 2009.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

# With these, 10,000 attempts a second of 10,000,000 tokens each stay below DynamoDB's 38 digits.
HALF_LIVES_PER_EPOCH = 64
ONE_BITS = 10  # the weight of an attempt at an epoch's start, as an integer with room for fractions


@dataclass(frozen=True)
class Sums:
    """Weighted sums of one epoch. ``latency`` in ms over ``replies``; ``billed`` and ``estimated`` in tokens."""

    weight: int | float = 0
    errors: int | float = 0
    replies: int | float = 0
    latency: int | float = 0
    billed: int | float = 0
    estimated: int | float = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(mine + theirs for mine, theirs in zip(self.values(), other.values(), strict=True)))

    def times(self, factor: float) -> "Sums":
        return Sums(*(one * factor for one in self.values()))

    def values(self) -> tuple[int | float, ...]:
        return tuple(getattr(self, name) for name in SUMS)


SUMS = tuple(field.name for field in fields(Sums))


@dataclass(frozen=True)
class Sample:
    """What one attempt showed. ``latency_ms`` of a reply; tokens only where both were counted."""

    error: bool
    latency_ms: int | None = None
    billed_tokens: int | None = None
    estimated_tokens: int | None = None


@dataclass(frozen=True)
class Averages:
    """``attempts`` is their weight, an attempt of this moment counting 1; a ratio is None where nothing was seen."""

    attempts: float
    error_rate: float | None
    latency_ms: float | None
    token_ratio: float | None


NOTHING = Sums()


def epoch_of(now_ms: int, half_life_s: int) -> int:
    """The number of the epoch that Unix time ``now_ms`` lies in."""
    return now_ms // _epoch_ms(half_life_s)


def epoch_ends_at_s(epoch: int, half_life_s: int) -> int:
    """Unix seconds."""
    return (epoch + 1) * _epoch_ms(half_life_s) // 1_000


def window(half_life_s: int, epoch: int) -> str:
    """The sort key of an epoch's sums."""
    return f"health#{half_life_s}#{epoch}"


def added(sample: Sample, now_ms: int, half_life_s: int) -> Sums:
    """What ``sample`` adds to the sums of its epoch; whole numbers."""
    weight = _weight(now_ms, half_life_s)
    replied = sample.latency_ms is not None
    counted = bool(sample.billed_tokens and sample.estimated_tokens)
    return Sums(
        weight=weight,
        errors=weight if sample.error else 0,
        replies=weight if replied else 0,
        latency=weight * (sample.latency_ms or 0),
        billed=weight * (sample.billed_tokens or 0) if counted else 0,
        estimated=weight * (sample.estimated_tokens or 0) if counted else 0,
    )


def joined(current: Sums, previous: Sums) -> Sums:
    """Both epochs in the current one's scale. Those before weigh less than 2^-64 and are let go."""
    return current + previous.times(2.0**-HALF_LIVES_PER_EPOCH)


def averages(sums: Sums, now_ms: int, half_life_s: int) -> Averages:
    """What ``sums``, in the scale of the epoch of ``now_ms``, come to at that time."""
    weight = max(0, sums.weight)
    return Averages(
        attempts=weight / 2.0 ** (ONE_BITS + _half_lives(now_ms, half_life_s)),
        error_rate=min(1.0, max(0.0, sums.errors / weight)) if weight else None,
        latency_ms=sums.latency / sums.replies if sums.replies else None,
        token_ratio=sums.billed / sums.estimated if sums.estimated and sums.billed else None,
    )


def from_item(item: Mapping[str, Any] | None) -> Sums:
    return Sums(**{name: item.get(name, 0) for name in SUMS}) if item else NOTHING


def _weight(now_ms: int, half_life_s: int) -> int:
    return round(math.exp2(ONE_BITS + _half_lives(now_ms, half_life_s)))


def _half_lives(now_ms: int, half_life_s: int) -> float:
    """How far into its epoch ``now_ms`` is, in half-lives."""
    return now_ms % _epoch_ms(half_life_s) / (half_life_s * 1_000)


def _epoch_ms(half_life_s: int) -> int:
    return HALF_LIVES_PER_EPOCH * half_life_s * 1_000
