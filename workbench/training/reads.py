"""Examples as arrays. The features are those of ``signalbox.tagger`` itself."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
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
