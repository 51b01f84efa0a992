"""Examples as arrays, and batches of them for torch. The features are those of ``signalbox.tagger`` itself."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from signalbox.tagger import features
from signalbox.tagger.excerpt import Turn, excerpt

WORD, PAIR, NGRAM = range(3)


class Read(NamedTuple):
    """One conversation: ids (hashes, or rows once indexed), the patch and weight of each, sorted by patch; segment and
    position of each patch; measures."""

    ids: NDArray[Any]
    patches: NDArray[np.int32]
    weights: NDArray[np.float32]
    kinds: NDArray[np.uint8]
    segments: NDArray[np.uint8]
    positions: NDArray[np.uint8]
    measures: NDArray[np.float32]


def read(turns: Sequence[Turn]) -> Read:
    """All features of a conversation, n-grams of every word among them."""
    seen = excerpt(turns)
    words = features.split(seen)
    count, follows = len(words.hashes), words.follows
    share = (1 / np.maximum(1, np.bincount(words.patch, minlength=len(words.segments)))[words.patch]).astype(np.float32)
    grams, owners, part = features.ngrams(words, np.ones(count, np.bool_))
    ids = np.concatenate([words.ids, words.pair_ids, grams])
    patches = np.concatenate([words.patch, words.patch[follows], words.patch[owners]])
    weights = np.concatenate([share, share[follows], share[owners] * part])
    kinds = np.repeat([WORD, PAIR, NGRAM], [count, len(follows), len(grams)])
    order = np.argsort(patches, kind="stable")
    return Read(
        ids[order].astype(np.uint32),
        patches[order].astype(np.int32),
        weights[order].astype(np.float32),
        kinds[order].astype(np.uint8),
        words.segments.astype(np.uint8),
        words.positions.astype(np.uint8),
        features.measures(seen, words),
    )


def vocabulary(reads: Sequence[Read], most: Sequence[int], least: Sequence[int]) -> NDArray[np.uint32]:
    """The hashes that get a row, sorted: of words, pairs and n-grams the ``most`` frequent that occur in at least
    ``least`` conversations."""
    chosen: list[int] = []
    for kind in (WORD, PAIR, NGRAM):
        counts: Counter[int] = Counter()
        for one in reads:
            counts.update(np.unique(one.ids[one.kinds == kind]).tolist())
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        chosen += [key for key, count in ranked[: most[kind]] if count >= least[kind]]
    return np.unique(np.array(chosen, np.uint32))


def indexed(one: Read, known: NDArray[np.uint32]) -> Read:
    """With rows of ``known`` for ids, and what is not known left out."""
    at = np.minimum(np.searchsorted(known, one.ids), len(known) - 1)
    kept = known[at] == one.ids
    return one._replace(
        ids=at[kept].astype(np.int32), patches=one.patches[kept], weights=one.weights[kept], kinds=one.kinds[kept]
    )


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
