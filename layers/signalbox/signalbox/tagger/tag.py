"""``tag``: probabilities out of logits. Pure but for the weights, read once."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from signalbox.contracts.requests import Workload
from signalbox.contracts.signals import Complexity
from signalbox.contracts.tags import Tags
from signalbox.tagger.excerpt import Turn, excerpt
from signalbox.tagger.features import Floats
from signalbox.tagger.weights import Mixture, Weights, load

# In the order of the heads' outputs.
COMPLEXITIES: tuple[Complexity, ...] = ("trivial", "bounded", "extended")
WORKLOADS: tuple[Workload, ...] = ("chat", "classify", "extract", "summarize")


def tag(turns: Sequence[Turn], before: int = 0) -> Tags:
    """What the latest user turn asks for, read in its conversation; system messages are no turns.

    ``before``: how many turns there were before the first of ``turns``. The time is bounded whatever the length: see
    ``excerpt``. Raises as ``weights.load`` does.
    """
    return tags(load(), turns, before)


def tags(weights: Weights, turns: Sequence[Turn], before: int = 0) -> Tags:
    """As ``tag``, of given weights."""
    logits = weights.network(excerpt(turns, before))
    fit = weights.meaning.calibration
    complexities = _softmax(logits["complexity"] / fit.complexity)
    intents = np.bincount(weights.intent_of, _softmax(logits["label"] / fit.label))
    intent = int(intents.argmax())
    workloads = _softmax(logits["workload"] / fit.workload)
    return Tags(
        p_fast=1 - _probability("gap", fit.gap, logits),
        p_trivial=float(complexities[0]),
        p_extended=float(complexities[2]),
        intent=weights.intents[intent],
        intent_confidence=min(1.0, float(intents[intent])),
        billing_dispute=_probability("billing_dispute", fit.billing_dispute, logits),
        compliance=_probability("compliance", fit.compliance, logits),
        workload=WORKLOADS[int(workloads.argmax())],
        workload_confidence=float(workloads.max()),
    )


def complexity(found: Tags) -> Complexity:
    """The most probable of the three, for reports; policies set thresholds of their own."""
    shares = (found.p_trivial, 1 - found.p_trivial - found.p_extended, found.p_extended)
    return COMPLEXITIES[int(np.argmax(shares))]


def label_probabilities(turns: Sequence[Turn]) -> dict[str, float]:
    """Of each label of the data sets, ``source/label``: what intents are made of. Raises as ``tag`` does."""
    weights = load()
    shares = _softmax(weights.network(excerpt(turns))["label"] / weights.meaning.calibration.label)
    return {label: float(share) for (label, _), share in zip(weights.meaning.labels, shares, strict=True)}


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits.astype(np.float64) - logits.max())
    shares: Floats = powers / powers.sum()
    return shares


def _probability(head: str, fit: Mixture, logits: Mapping[str, Floats]) -> float:
    log_odds = fit.network * float(logits[head][0]) + fit.linear * float(logits[f"linear.{head}"][0]) + fit.offset
    return 1 / (1 + math.exp(-min(60.0, max(-60.0, log_odds))))
