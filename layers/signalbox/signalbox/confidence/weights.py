"""What each signal is worth. The numbers are in ``confidence.json``, each with where it is from and why.

``signalbox confidence fit`` makes that file anew from evidence with known outcomes. Log-odds are natural.
"""

from functools import cache
from importlib.resources import files
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from signalbox.contracts.model import Contract

Number = Annotated[float, Field(allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
NotPositive = Annotated[float, Field(le=0, allow_inf_nan=False)]
Origin = Literal["fitted", "declared"]


class Prior(Contract):
    """Log-odds ``intercept + slope * log-odds(prior)`` (Platt)."""

    intercept: Number
    slope: NotNegative
    intercept_origin: Origin
    slope_origin: Origin
    why: str


class Ramp(Contract):
    """A signal's log-odds: ``at_worst`` where it is ``worst`` or beyond, ``at_best`` where it is ``best`` or beyond,
    straight in between; ``missing`` where nobody can tell. What is missing never speaks for a reply."""

    worst: Number
    best: Number
    at_worst: Number
    at_best: NotNegative
    missing: NotPositive
    origin: Origin
    why: str

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.worst == self.best or self.at_worst > self.at_best:
            raise ValueError("a signal rises from its worst value to another, its best")
        return self

    def goodness(self, value: float) -> float:
        """0 at the worst, 1 at the best."""
        return min(1.0, max(0.0, (value - self.worst) / (self.best - self.worst)))


class Hedges(Contract):
    """Log-odds of each hedge, for ``most`` of them."""

    each: NotPositive
    most: int = Field(ge=0)
    origin: Origin
    why: str


class Ramps(Contract):
    """By the names of ``Evidence``. Logprobs in nats, entropy in nats a token, the rest 0..1, checks 0 or 1."""

    mean_logprob: Ramp
    min_logprob: Ramp
    mean_entropy: Ramp
    schema_valid: Ramp
    citations_valid: Ramp
    agreement: Ramp
    self_check: Ramp


class Ceiling(Contract):
    """A reply that a hard fact speaks against is never surer than this."""

    value: float = Field(gt=0, lt=0.5)
    why: str


class Weights(Contract):
    """All that ``estimate`` knows."""

    about: str
    prior: Prior
    signals: Ramps
    hedges: Hedges
    ceiling: Ceiling


@cache
def load_weights() -> Weights:
    """The shipped ones, read when first asked for. Raises ``ValueError`` when the file is damaged."""
    return Weights.model_validate_json((files(__package__) / "confidence.json").read_bytes())
