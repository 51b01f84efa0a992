"""Batches of what was read, for torch."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workbench.training.reads import WORD, Read

Batch = dict[str, torch.Tensor]


def collate(reads: Sequence[Read], chance: np.random.Generator | None = None, dropped: float = 0.0) -> Batch:
    """A batch. With ``chance``, ``dropped`` of the ids are left out, and words half as often again in favour of their
    n-grams; of a third of the conversations the measures too."""
    width = max(len(one.segments) for one in reads)
    size = len(reads)
    mask, segments, positions = np.zeros((size, width), bool), np.zeros((size, width)), np.zeros((size, width))
    ids, weights, offsets, slots, total = [], [], [], [], 0
    for row, one in enumerate(reads):
        count = len(one.segments)
        rows, patches, shares = one.ids, one.patches, one.weights
        if chance is not None and len(rows):
            kept = chance.random(len(rows)) >= dropped * np.where(one.kinds == WORD, 1.5, 1.0)
            rows, patches, shares = rows[kept], patches[kept], shares[kept]
        offsets.append(total + np.concatenate([[0], np.cumsum(np.bincount(patches, minlength=count))[:-1]]))
        total += len(rows)
        ids.append(rows)
        weights.append(shares)
        slots.append(row * width + np.arange(count))
        mask[row, :count], segments[row, :count], positions[row, :count] = True, one.segments, one.positions
    measures = np.stack([one.measures for one in reads])
    if chance is not None:
        measures = measures * (chance.random((size, 1)) >= 1 / 3)
    return {
        "ids": _tensor(np.concatenate(ids), np.int64),
        "weights": _tensor(np.concatenate(weights), np.float32),
        "offsets": _tensor(np.concatenate([*offsets, [total]]), np.int64),
        "slots": _tensor(np.concatenate(slots), np.int64),
        "mask": _tensor(mask, np.bool_),
        "segments": _tensor(segments, np.int64),
        "positions": _tensor(positions, np.int64),
        "measures": _tensor(measures, np.float32),
    }


def of_like_length(reads: Sequence[Read], size: int, chance: np.random.Generator) -> Iterator[list[int]]:
    """Batches of at most ``size`` indices of an epoch, each of conversations of nearly the same number of patches."""
    order = chance.permutation(len(reads))
    lengths = np.array([len(one.segments) for one in reads])
    groups = [order[at : at + 50 * size] for at in range(0, len(order), 50 * size)]
    batches = [list(part) for group in groups for part in _cut(group[np.argsort(lengths[group], kind="stable")], size)]
    for at in chance.permutation(len(batches)):
        yield batches[at]


def _cut(group: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    for at in range(0, len(group), size):
        yield group[at : at + size]


def _tensor(array: NDArray[Any], kind: Any) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array.astype(kind)))
