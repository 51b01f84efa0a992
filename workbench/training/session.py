"""One training, from examples to a calibrated network: `make train` does one, its transfer checks several."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from signalbox.tagger.network import LINEAR
from signalbox.tagger.tag import COMPLEXITIES, WORKLOADS
from workbench.training import calibrate
from workbench.training.augment import in_conversation, tasks, variants
from workbench.training.corpus import Example
from workbench.training.linear import Linear, fit_gap, fit_support
from workbench.training.network import Network, Shape
from workbench.training.reads import Read, indexed, read, vocabulary
from workbench.training.train import Recipe, infer, targets, train

# Rows of the embedding: of words, pairs of words and n-grams at most so many, each seen at least so often.
MOST, LEAST = (16_000, 10_000, 6_500), (2, 3, 6)
# Written prompts are few beside LLMRouter's, and the only ones that were judged one by one: each counts as so many.
WRITTEN_WEIGHT = 8.0
# Of each mixture the network's part. That of the gap was chosen on dev: words tell hard prompts apart better than it
# does. Of the others both are worth the same.
NETWORK_SHARE = {"gap": 0.15, "billing_dispute": 0.5, "compliance": 0.5}

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Trained:
    """A network with all that is needed to use it, and what it made of the conversations kept apart."""

    network: Network
    linears: dict[str, Linear]  # those of ``signalbox.tagger.network.LINEAR``
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
    varied: float = 0.4,
    conversations: int = 8000,
    most: Sequence[int] = MOST,
) -> Trained:
    """Train on ``examples`` but for ``kept_share`` of them (by chance, seeded), which calibrate: of a conversation
    all turns or none."""
    chance = np.random.default_rng(recipe.seed)
    keys = [one.of or " ".join(one.turns[0].text.casefold().split()) for one in examples]
    each = dict.fromkeys(keys)
    draws = dict(zip(each, chance.random(len(each)), strict=True))
    kept = [one for one, key in zip(examples, keys, strict=True) if draws[key] < kept_share]
    own = [one for one, key in zip(examples, keys, strict=True) if draws[key] >= kept_share]
    made = [
        *variants(own, varied, recipe.seed),
        *in_conversation(own, conversations, recipe.seed + 1),
        *tasks(own, conversations // 3, recipe.seed + 2),
    ]
    reads = [_read(one, at, len(own) + len(made), progress) for at, one in enumerate([*own, *made])]
    linears = {"gap": _gap(reads[: len(own)], own), "support": _support(reads, [*own, *made])}
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
    # A matter that changes within a conversation is rare in the sources and common in life.
    kept += in_conversation(kept, len(kept) // 8, recipe.seed + 3)
    logits = logits_of(network, linears, known, [read(one.turns) for one in kept])
    fitted = _calibration(logits, targets(kept, labels))
    return Trained(network, linears, known, labels, fitted, kept, logits)


def logits_of(
    network: Network, linears: Mapping[str, Linear], known: NDArray[np.uint32], reads: Sequence[Read]
) -> dict[str, NDArray[np.float64]]:
    """Of all heads, and of the wide halves ``linear.`` and the name of the output; shape (conversations, count of the
    head)."""
    found = infer(network, [indexed(one, known) for one in reads])
    for name, outputs in LINEAR.items():
        predicted = linears[name].predict(reads)
        found |= {f"linear.{output}": predicted[:, [at]] for at, output in enumerate(outputs)}
    return found


def probabilities(trained: Trained, reads: Sequence[Read]) -> dict[str, NDArray[np.float64]]:
    """Calibrated: ``p_fast``, ``billing_dispute``, ``compliance`` of shape (conversations,), ``label`` and
    ``complexity`` of shape (conversations, count)."""
    return calibrated(logits_of(trained.network, trained.linears, trained.known, reads), trained.calibration)


def calibrated(logits: dict[str, NDArray[np.float64]], fitted: dict[str, Any]) -> dict[str, NDArray[np.float64]]:
    found = {}
    for name in NETWORK_SHARE:
        fit, network, linear = fitted[name], logits[name][:, 0], logits[f"linear.{name}"][:, 0]
        found[name] = calibrate.sigmoid(fit["network"] * network + fit["linear"] * linear + fit["offset"])
    found["p_fast"] = 1 - found.pop("gap")
    for name in ("label", "complexity", "workload"):
        scaled = logits[name].astype(np.float64) / fitted[name]
        powers = np.exp(scaled - scaled.max(1, keepdims=True))
        found[name] = powers / powers.sum(1, keepdims=True)
    return found


def _read(example: Example, at: int, total: int, progress: Progress) -> Read:
    if at % 1000 == 0:
        progress("read", at, total)
    return read(example.turns)


def _gap(reads: Sequence[Read], examples: Sequence[Example]) -> Linear:
    # Of a dialogue the words tell what it is about, and little of how hard it is.
    at = [index for index, one in enumerate(examples) if one.gap is not None and one.source != "written/dialogues"]
    gaps = np.array([examples[index].gap for index in at], np.float64)
    weights = np.array([1.0 if examples[index].source == "llmrouter" else WRITTEN_WEIGHT for index in at])
    return fit_gap([reads[index] for index in at], gaps, weights)


def _support(reads: Sequence[Read], examples: Sequence[Example]) -> Linear:
    wanted = targets(examples, ())
    return fit_support(reads, [wanted[name] for name in LINEAR["support"]], wanted["weight"])


def _calibration(logits: dict[str, NDArray[np.float64]], wanted: dict[str, NDArray[np.float64]]) -> dict[str, Any]:
    fitted: dict[str, Any] = {}
    for name, share in NETWORK_SHARE.items():
        found = calibrate.mixture(logits[name][:, 0], logits[f"linear.{name}"][:, 0], wanted[name], share)
        fitted[name] = dict(zip(("network", "linear", "offset"), found, strict=True))
    for name in ("complexity", "label", "workload"):
        fitted[name] = calibrate.temperature(logits[name], wanted[name])
    return fitted
