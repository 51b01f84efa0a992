"""``estimate``: the calibrated probability that a reply is good enough. Pure.

Logistic: each signal adds its log-odds. It rises with every signal, and what is missing counts against the reply.
Hard facts are no weights: whatever speaks for it, a refused, cut off or invalid reply stays under the ceiling.
"""

import math
from collections.abc import Iterator

from signalbox.confidence.weights import Ramps, Weights
from signalbox.contracts.evidence import Confidence, Evidence

SIGNALS = tuple(Ramps.model_fields)
# A prior is an opinion about a reply that nobody has seen: by itself it makes none final at the default threshold, 0.8.
# With the shipped weights: all seven signals missing take 0.95 off its log-odds, so 0.9 comes to 0.777 (0.912 would
# reach 0.8); a self-check that is known but undecided, 0.5, costs 0.4 where its absence costs 0.3: 0.759; a no: 0.437.
# From a self-check of 0.57 on, one that says rather yes than no, the two together reach 0.8.
_SUREST_PRIOR = 0.9
# How a reply ends that is all there.
_WHOLE = ("stop", "tool_calls")


def estimate(evidence: Evidence, weights: Weights) -> Confidence:
    """``value`` in 0..1; ``contributions`` add up to its log-odds; ``missing`` names what nobody could tell."""
    missing = tuple(name for name in SIGNALS if signal(evidence, name) is None)
    contributions = {
        "intercept": weights.prior.intercept,
        "prior": weights.prior.slope * prior_log_odds(evidence.prior),
        **{name: _signal_log_odds(evidence, weights, name) for name in SIGNALS},
        "hedges": weights.hedges.each * min(evidence.hedges, weights.hedges.most),
    }
    total, ceiling = math.fsum(contributions.values()), log_odds(weights.ceiling.value)
    for fact in hard_facts(evidence):
        contributions[f"hard:{fact}"] = min(0.0, ceiling - total)
        total = min(total, ceiling)
    return Confidence(value=sigmoid(total), contributions=contributions, missing=missing)


def hard_facts(evidence: Evidence) -> Iterator[str]:
    """Names of what no signal outweighs."""
    if evidence.refused:
        yield "refused"
    if evidence.finish_reason not in _WHOLE:
        yield evidence.finish_reason
    if evidence.schema_valid is False:
        yield "schema_valid"
    if evidence.citations_valid is False:
        yield "citations_valid"


def signal(evidence: Evidence, name: str) -> float | None:
    """The signal as a number; None where nobody could tell, or told what is no number."""
    value: float | None = getattr(evidence, name)
    return None if value is None or not math.isfinite(value) else float(value)


def prior_log_odds(prior: float) -> float:
    return log_odds(min(_SUREST_PRIOR, max(1 - _SUREST_PRIOR, prior)))


def log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def sigmoid(log_odds: float) -> float:
    """Of any finite number, without overflow."""
    if log_odds >= 0:
        return 1 / (1 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1 + odds)


def _signal_log_odds(evidence: Evidence, weights: Weights, name: str) -> float:
    ramp, value = getattr(weights.signals, name), signal(evidence, name)
    if value is None:
        return float(ramp.missing)
    return float(ramp.at_worst + (ramp.at_best - ramp.at_worst) * ramp.goodness(value))
