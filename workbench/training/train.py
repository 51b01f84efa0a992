"""The training loop: one network for all heads, seeded; its weights are averaged over the last steps."""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from signalbox.tagger.tag import COMPLEXITIES, WORKLOADS
from workbench.training.batches import collate, of_like_length
from workbench.training.corpus import Example
from workbench.training.network import Network, Shape
from workbench.training.reads import Read


@dataclass(frozen=True)
class Recipe:
    """How to train. Rates are of AdamW, at their highest."""

    seed: int = 7
    epochs: int = 9
    batch: int = 96
    embedding_rate: float = 4e-3
    rate: float = 1.2e-3
    decay: float = 0.01
    dropped_ids: float = 0.12
    smoothing: float = 0.1
    averaged: float = 0.998


# Nearly all examples are chat, and most are trivial: what the rare classes count.
RARE = {"complexity": (1.0, 1.5, 2.5), "workload": (1.0, 6.0, 6.0, 6.0)}

LOSS_SHARES = {
    "gap": 0.3,  # more, and the network learns the prompts by heart; see linear.py
    "label": 1.3,
    "billing_dispute": 1.2,
    "compliance": 1.2,
    "complexity": 0.4,
    "workload": 0.3,
}


def targets(examples: Sequence[Example], labels: Sequence[str]) -> dict[str, np.ndarray]:
    """For each head a number for each example, NaN where nothing is known."""
    index = {label: at for at, label in enumerate(labels)}
    columns: dict[str, list[float | int | bool | None]] = {
        "label": [None if one.label is None else index.get(one.label) for one in examples],
        "billing_dispute": [one.billing_dispute for one in examples],
        "compliance": [one.compliance for one in examples],
        "complexity": [None if one.complexity is None else COMPLEXITIES.index(one.complexity) for one in examples],
        "workload": [None if one.workload is None else WORKLOADS.index(one.workload) for one in examples],
        "gap": [None if one.gap is None else min(1.0, max(0.0, one.gap)) for one in examples],
        "weight": [one.weight for one in examples],
    }
    return {name: np.array([math.nan if one is None else float(one) for one in own]) for name, own in columns.items()}


def train(
    reads: Sequence[Read],
    wanted: dict[str, np.ndarray],
    shape: Shape,
    recipe: Recipe,
    done: Callable[[int, int, Network], None],
) -> Network:
    """The averaged network. ``done(step, steps, average)`` is called after each step."""
    torch.manual_seed(recipe.seed)
    chance = np.random.default_rng(recipe.seed)
    network = Network(shape)
    average = copy.deepcopy(network).eval()
    embedding = list(network.embedding.parameters())
    others = [one for name, one in network.named_parameters() if not name.startswith("embedding.")]
    optimizer = torch.optim.AdamW(
        [{"params": embedding, "lr": recipe.embedding_rate}, {"params": others, "lr": recipe.rate}],
        weight_decay=recipe.decay,
    )
    steps = recipe.epochs * -(-len(reads) // recipe.batch) + recipe.epochs * 2
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=[recipe.embedding_rate, recipe.rate], total_steps=steps, pct_start=0.1
    )
    step = 0
    for _ in range(recipe.epochs):
        for chosen in of_like_length(reads, recipe.batch, chance):
            batch = collate([reads[at] for at in chosen], chance, recipe.dropped_ids)
            found = network(batch)
            losses = _losses(found, {name: column[chosen] for name, column in wanted.items()}, recipe)
            optimizer.zero_grad()
            losses.backward()
            torch.nn.utils.clip_grad_norm_(others, 1.0)
            optimizer.step()
            if step < steps - 1:
                schedule.step()
            step += 1
            if step % 8 == 0:
                _average(average, network, min(recipe.averaged, 1 - 8 / (step + 8)) ** 8)
            done(step, steps, average)
    return average


def _losses(found: dict[str, Tensor], wanted: dict[str, np.ndarray], recipe: Recipe) -> Tensor:
    total = torch.zeros(())
    weight = torch.from_numpy(wanted["weight"]).float()
    for name, share in LOSS_SHARES.items():
        target = torch.from_numpy(wanted[name])
        known = ~torch.isnan(target)
        if not known.any():
            continue
        logits, goal = found[name][known], target[known]
        if logits.shape[1] == 1:
            soft = goal.float() if name == "gap" else goal.float() * 0.98 + 0.01
            loss = functional.binary_cross_entropy_with_logits(logits[:, 0], soft, reduction="none")
        else:
            rare = RARE.get(name)
            loss = functional.cross_entropy(
                logits,
                goal.long(),
                weight=None if rare is None else torch.tensor(rare),
                reduction="none",
                label_smoothing=recipe.smoothing if name == "label" else 0.02,
            )
        # By the whole batch, so that an example counts the same in whatever company.
        total = total + share * (loss * weight[known]).sum() / len(target)
    return total


@torch.no_grad()
def _average(average: Network, network: Network, kept: float) -> None:
    for old, new in zip(average.parameters(), network.parameters(), strict=True):
        old.lerp_(new, 1 - kept)


@torch.no_grad()
def infer(network: Network, reads: Sequence[Read], size: int = 256) -> dict[str, np.ndarray]:
    """Logits of all heads for each conversation, in order."""
    order = np.argsort([len(one.segments) for one in reads], kind="stable")
    found: dict[str, list[np.ndarray]] = {}
    for at in range(0, len(order), size):
        for name, logits in network(collate([reads[one] for one in order[at : at + size]])).items():
            found.setdefault(name, []).append(logits.numpy())
    back = np.argsort(order, kind="stable")
    return {name: np.concatenate(parts)[back] for name, parts in found.items()}
