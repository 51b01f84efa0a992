"""``tag``: probabilities out of logits. Pure but for the weights, read once."""

import math
from collections.abc import Sequence

import numpy as np

from signalbox.contracts.requests import Workload
from signalbox.contracts.signals import Complexity
from signalbox.contracts.tags import Tags
from signalbox.tagger.excerpt import Turn, excerpt
from signalbox.tagger.features import Floats
from signalbox.tagger.weights import Line, Weights, load

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
    needed = fit.gap.network * logits["gap"][0] + fit.gap.linear * logits["linear"][0] + fit.gap.offset
    complexities = _softmax(logits["complexity"] / fit.complexity)
    intents = np.bincount(weights.intent_of, _softmax(logits["label"] / fit.label))
    intent = int(intents.argmax())
    workloads = _softmax(logits["workload"] / fit.workload)
    return Tags(
        p_fast=_sigmoid(-float(needed)),
        p_trivial=float(complexities[0]),
        p_extended=float(complexities[2]),
        intent=weights.intents[intent],
        intent_confidence=min(1.0, float(intents[intent])),
        billing_dispute=_calibrated(fit.billing_dispute, logits["billing_dispute"]),
        compliance=_calibrated(fit.compliance, logits["compliance"]),
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


def _calibrated(line: Line, logits: Floats) -> float:
    return _sigmoid(line.scale * float(logits[0]) + line.offset)


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-min(60.0, max(-60.0, logit))))
