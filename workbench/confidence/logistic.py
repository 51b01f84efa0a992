"""Logistic regression with lower bounds and a ridge, by projected Newton steps, one coordinate after the other.

Plain Python: some ten thousand rows of some twenty columns take seconds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from signalbox.confidence.estimate import sigmoid

MOST_SWEEPS = 200
# A second derivative of the log-loss is at most a quarter of the column's square; the bound keeps every step safe.
_CURVATURE = 0.25


@dataclass(frozen=True)
class Parameter:
    """``ridge`` pulls towards ``start``, as so many rows' worth would; ``least`` is never passed."""

    start: float
    ridge: float = 0.0
    least: float = -math.inf


def fit_logistic(
    rows: Sequence[Sequence[float]], targets: Sequence[float], parameters: Sequence[Parameter], tolerance: float = 1e-4
) -> list[float]:
    """The coefficient of each column that makes ``targets`` (0..1) likeliest.

    The objective is convex, so where it stops, for any start, is the one optimum. Raises ``ValueError`` for no rows.
    """
    if not rows:
        raise ValueError("nothing to fit: no rows")
    columns = [[(i, row[j]) for i, row in enumerate(rows) if row[j]] for j in range(len(parameters))]
    betas = [max(one.start, one.least) for one in parameters]
    totals = [math.fsum(x * beta for x, beta in zip(row, betas, strict=True)) for row in rows]
    for _ in range(MOST_SWEEPS):
        moved = max(
            (_step(column, totals, targets, betas, j, parameters[j]) for j, column in enumerate(columns)), default=0.0
        )
        if moved < tolerance:
            break
    return betas


def _step(
    column: Sequence[tuple[int, float]],
    totals: list[float],
    targets: Sequence[float],
    betas: list[float],
    j: int,
    parameter: Parameter,
) -> float:
    """Moves one coefficient; how far."""
    slope = parameter.ridge * (betas[j] - parameter.start)
    bend = safe = parameter.ridge
    for i, x in column:
        p = sigmoid(totals[i])
        slope += x * (p - targets[i])
        bend += x * x * p * (1 - p)
        safe += x * x * _CURVATURE
    if not safe:
        return 0.0
    # Newton's own step, unless the curve is so flat here that it would leap.
    target = max(parameter.least, betas[j] - slope / max(bend, safe / 10))
    moved = target - betas[j]
    betas[j] = target
    for i, x in column:
        totals[i] += moved * x
    return abs(moved)
