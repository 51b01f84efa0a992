"""One training, from examples to a calibrated network: `make train` does one, its transfer checks several."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from signalbox.tagger.tag import COMPLEXITIES, WORKLOADS
from workbench.training import calibrate
from workbench.training.augment import in_conversation, tasks, variants
from workbench.training.batches import Read, indexed, read, vocabulary
from workbench.training.corpus import Example
from workbench.training.linear import Linear, fit_linear
from workbench.training.network import Network, Shape
from workbench.training.train import Recipe, infer, targets, train

# Rows of the embedding: of words, pairs of words and n-grams at most so many, each seen at least so often.
MOST, LEAST = (16_000, 10_500, 7_000), (2, 3, 6)
# Written prompts are few beside LLMRouter's, and the only ones that were judged one by one: each counts as so many.
WRITTEN_WEIGHT = 8.0
# Of the mixture for p_fast the network's part, chosen on dev: words tell hard prompts apart better than it does.
NETWORK_SHARE = 0.15

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Trained:
    """A network with all that is needed to use it, and what it made of the conversations kept apart."""

    network: Network
    linear: Linear
    known: NDArray[np.uint32]
    labels: list[str]
    calibration: dict[str, Any]
    kept: Sequence[Example]
    kept_logits: dict[str, NDArray[np.float64]]


def run(
    examples: Sequence[Example],
    recipe: Recipe,
    progress: Progress,
    *,
    kept_share: float = 0.06,
    varied: float = 0.3,
    conversations: int = 8000,
    most: Sequence[int] = MOST,
) -> Trained:
    """Train on ``examples`` but for ``kept_share`` of them (by chance, seeded), which calibrate."""
    chance = np.random.default_rng(recipe.seed)
    apart = chance.random(len(examples)) < kept_share
    kept = [one for one, is_apart in zip(examples, apart, strict=True) if is_apart]
    own = [one for one, is_apart in zip(examples, apart, strict=True) if not is_apart]
    made = [
        *variants(own, varied, recipe.seed),
        *in_conversation(own, conversations, recipe.seed + 1),
        *tasks(own, conversations // 3, recipe.seed + 2),
    ]
    reads = [_read(one, at, len(own) + len(made), progress) for at, one in enumerate([*own, *made])]
    linear = _linear(reads[: len(own)], own)
    known = vocabulary(reads[: len(own)], most, LEAST)
    labels = sorted({one.label for one in examples if one.label})
    heads = {
        "gap": 1,
        "label": len(labels),
        "billing_dispute": 1,
        "compliance": 1,
        "complexity": len(COMPLEXITIES),
        "workload": len(WORKLOADS),
    }
    wanted = targets([*own, *made], labels)
    rows = [indexed(one, known) for one in reads]
    del reads
    network = train(rows, wanted, Shape(len(known), heads), recipe, lambda step, of, _: progress("train", step, of))
    kept_reads = [read(one.turns) for one in kept]
    logits = logits_of(network, linear, known, kept_reads)
    fitted = _calibration(logits, targets(kept, labels))
    return Trained(network, linear, known, labels, fitted, kept, logits)


def logits_of(
    network: Network, linear: Linear, known: NDArray[np.uint32], reads: Sequence[Read]
) -> dict[str, NDArray[np.float64]]:
    """Of all heads, and ``linear``; shape (conversations, count of the head)."""
    found = infer(network, [indexed(one, known) for one in reads])
    return {**found, "linear": linear.predict(reads)[:, None]}


def probabilities(trained: Trained, reads: Sequence[Read]) -> dict[str, NDArray[np.float64]]:
    """Calibrated: ``p_fast``, ``billing_dispute``, ``compliance`` of shape (conversations,), ``label`` and
    ``complexity`` of shape (conversations, count)."""
    return calibrated(logits_of(trained.network, trained.linear, trained.known, reads), trained.calibration)


def calibrated(logits: dict[str, NDArray[np.float64]], fitted: dict[str, Any]) -> dict[str, NDArray[np.float64]]:
    gap = fitted["gap"]
    needed = gap["network"] * logits["gap"][:, 0] + gap["linear"] * logits["linear"][:, 0] + gap["offset"]
    found = {"p_fast": calibrate.sigmoid(-needed)}
    for name in ("billing_dispute", "compliance"):
        found[name] = calibrate.sigmoid(fitted[name]["scale"] * logits[name][:, 0] + fitted[name]["offset"])
    for name in ("label", "complexity", "workload"):
        scaled = logits[name].astype(np.float64) / fitted[name]
        powers = np.exp(scaled - scaled.max(1, keepdims=True))
        found[name] = powers / powers.sum(1, keepdims=True)
    return found


def _read(example: Example, at: int, total: int, progress: Progress) -> Read:
    if at % 1000 == 0:
        progress("read", at, total)
    return read(example.turns)


def _linear(reads: Sequence[Read], examples: Sequence[Example]) -> Linear:
    # Of a dialogue the words tell what it is about, and little of how hard it is.
    at = [index for index, one in enumerate(examples) if one.gap is not None and one.source != "written/dialogues"]
    gaps = np.array([examples[index].gap for index in at], np.float64)
    weights = np.array([1.0 if examples[index].source == "llmrouter" else WRITTEN_WEIGHT for index in at])
    return fit_linear([reads[index] for index in at], gaps, weights)


def _calibration(logits: dict[str, NDArray[np.float64]], wanted: dict[str, NDArray[np.float64]]) -> dict[str, Any]:
    gap = ~np.isnan(wanted["gap"])
    shares = calibrate.mixture(logits["gap"][gap, 0], logits["linear"][gap, 0], wanted["gap"][gap], NETWORK_SHARE)
    fitted: dict[str, Any] = {"gap": dict(zip(("network", "linear", "offset"), shares, strict=True))}
    for name in ("billing_dispute", "compliance"):
        scale, offset = calibrate.line(logits[name][:, 0], wanted[name])
        fitted[name] = {"scale": scale, "offset": offset}
    for name in ("complexity", "label", "workload"):
        fitted[name] = calibrate.temperature(logits[name], wanted[name])
    return fitted
