"""What the shipped network cannot show of itself: how the same training does on what it has not seen.

Banking77 by cross-validation; disputes, compliance and p_fast by training without a source and testing on it.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.confidence.judge import auc_of
from workbench.training import session
from workbench.training.corpus import Example
from workbench.training.overlap import apart
from workbench.training.reads import read
from workbench.training.session import Progress
from workbench.training.train import Recipe

FOLDS = 5
FALSE_ALARMS = 0.02
# What each is trained without, by the name in the card.
SOURCES = {"banking77": ("banking77",), "the written texts": ("written", "written/dialogues")}


def all_checks(examples: Sequence[Example], progress: Progress) -> dict[str, Any]:
    """By name; see each function."""
    return {
        "without": {name: without(examples, sources, progress) for name, sources in SOURCES.items()},
        "banking77": banking77(examples, progress),
        "p_fast": gaps(examples, progress),
    }


def banking77(examples: Sequence[Example], progress: Progress) -> dict[str, float]:
    """Accuracy over its 77 intents, trained on four fifths of it alone and tested on the rest, five times."""
    own = [one for one in examples if one.source == "banking77"]
    fold = np.random.default_rng(77).permutation(len(own)) % FOLDS
    right = []
    for at in range(FOLDS):
        part = _named(progress, f"banking77 {at + 1}/{FOLDS}")
        learnt = [one for one, own_fold in zip(own, fold, strict=True) if own_fold != at]
        tested = [one for one, own_fold in zip(own, fold, strict=True) if own_fold == at]
        # Its labels alone: calibration needs a few of everything else.
        padded = [*learnt, *_some_of_everything(examples, ("banking77", "llmrouter"))]
        trained = session.run(padded, Recipe(epochs=8), part, kept_share=0.02, conversations=0, most=(6000, 6000, 4000))
        found = session.probabilities(trained, [read(one.turns) for one in tested])["label"]
        columns = [index for index, label in enumerate(trained.labels) if label.startswith("banking77/")]
        names = np.array([trained.labels[index] for index in columns])[found[:, columns].argmax(1)]
        right += [name == one.label for name, one in zip(names, tested, strict=True)]
    return {"accuracy": float(np.mean(right)), "count": len(right)}


def without(examples: Sequence[Example], sources: Sequence[str], progress: Progress) -> dict[str, dict[str, float]]:
    """Disputes and compliance: trained without ``sources`` and tested on them, but for what stands nearly word for word
    in what was learnt. Half as long as what ships, and on fewer conversations."""
    learnt = [one for one in examples if one.source not in sources and one.source != "arena_hard"]
    learnt = [one for one in learnt if one.source != "multidogo" or len(one.turns) % 3 == 0]
    tested = apart([one for one in examples if one.source in sources], learnt)
    trained = session.run(learnt, Recipe(epochs=4), _named(progress, f"without {sources[0]}"), conversations=3000)
    found = session.probabilities(trained, [read(one.turns) for one in tested])
    result = {}
    for head in ("billing_dispute", "compliance"):
        known = np.array([getattr(one, head) is not None for one in tested])
        truth = np.array([float(getattr(one, head) or 0) for one in tested])[known]
        result[head] = {**detection(found[head][known], truth), "count": len(truth), "positive": float(truth.sum())}
    return result


def gaps(examples: Sequence[Example], progress: Progress) -> dict[str, dict[str, float]]:
    """p_fast trained on LLMRouter and tested on the written prompts, and the other way round: the area under the curve
    of "a strong model does better by at least 0.4"."""
    known = [one for one in examples if one.gap is not None]
    public = [one for one in known if one.source == "llmrouter"]
    written = [one for one in known if one.source != "llmrouter"]
    pairs = {"llmrouter to written": (public, written), "written to llmrouter": (written, public)}
    result = {}
    for name, (learnt, tested) in pairs.items():
        others = _some_of_everything(examples, {one.source for one in known})
        padded = [*learnt, *(replace(one, gap=None) for one in others)]
        trained = session.run(padded, Recipe(epochs=6), _named(progress, name), conversations=0)
        found = session.probabilities(trained, [read(one.turns) for one in tested])["p_fast"]
        better = np.array([float((one.gap or 0) >= 0.4) for one in tested])
        result[name] = {"auc": auc_of((1 - found).tolist(), (better == 1).tolist()), "count": len(tested)}
    return result


def detection(scores: NDArray[np.float64], truth: NDArray[np.float64]) -> dict[str, float]:
    """Recall where at most ``FALSE_ALARMS`` of the negatives are above the threshold, and at 0.5 and 0.8; AUC."""
    negatives = np.sort(scores[truth == 0])[::-1]
    threshold = negatives[int(FALSE_ALARMS * len(negatives))]
    return {
        "recall": float((scores[truth == 1] > threshold).mean()),
        "threshold": float(threshold),
        "recall_at_half": float((scores[truth == 1] >= 0.5).mean()),
        "false_alarms_at_half": float((scores[truth == 0] >= 0.5).mean()),
        "recall_at_0.8": float((scores[truth == 1] >= 0.8).mean()),
        "false_alarms_at_0.8": float((scores[truth == 0] >= 0.8).mean()),
        "auc": auc_of(scores.tolist(), (truth == 1).tolist()),
    }


def _some_of_everything(examples: Sequence[Example], but: Collection[str]) -> list[Example]:
    """A few hundred of other sources, so that every head has something to be calibrated on."""
    others = [one for one in examples if one.source not in but]
    return [others[at] for at in range(0, len(others), max(1, len(others) // 1500))]


def _named(progress: Progress, title: str) -> Progress:
    return lambda what, done, of: progress(f"{title}: {what}", done, of)
