"""A small prior on cheap signals of a prompt alone: how far a weak model suffices. For benches; none ships."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

from signalbox.confidence.estimate import sigmoid
from signalbox.signals.text import has_code, shannon_entropy, tail_newline
from workbench.confidence.logistic import Parameter, fit_logistic

# Of standardised columns, in rows' worth: enough that no chance pattern of a small task gets a large weight.
_RIDGE = 20.0
_NEWTON_TOLERANCE = 1e-3


def cheap_signals(prompt: str) -> list[float]:
    """What one look at the characters shows; each comes without a model and within microseconds."""
    length, words = max(1, len(prompt)), prompt.split()
    return [
        math.log1p(len(prompt)),
        math.log1p(len(words)),
        sum(map(str.isdigit, prompt)) / length,
        sum(map(str.isupper, prompt)) / length,
        sum(not one.isalnum() and not one.isspace() for one in prompt) / length,
        shannon_entropy(prompt),
        len({word.casefold() for word in words}) / max(1, len(words)),
        fmean(map(len, words)) if words else 0.0,
        math.log1p(prompt.count("\n")),
        float(tail_newline(prompt)),
        float(has_code(prompt)),
        float(prompt.rstrip().endswith("?")),
    ]


@dataclass(frozen=True)
class CheapPrior:
    """A logistic regression of ``cheap_signals``, standardised by ``means`` and ``spreads``."""

    means: Sequence[float]
    spreads: Sequence[float]
    coefficients: Sequence[float]  # the intercept first

    def __call__(self, prompt: str) -> float:
        """0..1, what it was fitted to."""
        row = _standardised(cheap_signals(prompt), self.means, self.spreads)
        return sigmoid(math.fsum(x * beta for x, beta in zip(row, self.coefficients, strict=True)))


def train_prior(prompts: Sequence[str], targets: Sequence[float]) -> CheapPrior:
    """Fitted to ``targets``, 0..1 for each prompt. Raises ``ValueError`` for none."""
    if not prompts:
        raise ValueError("nothing to fit: no prompts")
    rows = [cheap_signals(prompt) for prompt in prompts]
    columns = list(zip(*rows, strict=True))
    means, spreads = [fmean(one) for one in columns], [pstdev(one) or 1.0 for one in columns]
    parameters = [Parameter(0.0), *(Parameter(0.0, ridge=_RIDGE) for _ in columns)]
    standardised = [_standardised(row, means, spreads) for row in rows]
    return CheapPrior(means, spreads, fit_logistic(standardised, targets, parameters, _NEWTON_TOLERANCE))


def _standardised(row: Sequence[float], means: Sequence[float], spreads: Sequence[float]) -> list[float]:
    return [1.0, *((x - mean) / spread for x, mean, spread in zip(row, means, spreads, strict=True))]
