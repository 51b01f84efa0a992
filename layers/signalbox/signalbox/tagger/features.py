"""An excerpt as hashed words in a few patches, and as plain measures.

Everything is done on whole arrays of bytes: no loop over characters, no regular expression, so the time is linear in
the excerpt, whose length is bounded, whatever is in it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from signalbox.tagger.excerpt import EARLIER_OTHER, EARLIER_USER, LATEST, Excerpt

# Patches for each segment: a short text has one for each word, a longer one shares them out evenly.
PATCHES = {LATEST: 22, EARLIER_USER: 5, EARLIER_OTHER: 4}
# Words read of a piece; beyond it they are mostly signs.
MOST_WORDS = {LATEST: 512, EARLIER_USER: 64, EARLIER_OTHER: 64}
# Lengths, in bytes, of the n-grams that stand for a word, and how much of a long word they cover.
NGRAMS = (3, 4, 5)
LONGEST_WORD = 24

Hashes = NDArray[np.uint32]
Indices = NDArray[np.int64]
Floats = NDArray[np.float32]

_SPACE, _LETTER, _DIGIT, _SIGN = range(4)
_MARK = 1  # stands before and after a word whose n-grams are taken
_BYTES = 32_768  # more than an excerpt and the marks between its words can take
# Into the hash of a word of an earlier turn, where such a word is to be another one than in the latest turn.
EARLIER = np.uint32(0x85EBCA6B)
_ODD = 0x9E3779B97F4A7C15
_MIX = np.uint64(0xD6E8FEB86659FD93)
_PAIR = np.uint64(0xA0761D6478BD642F)
_GRAM = np.uint64(0xE7037ED1A0B428DB)
_PATCHES = np.array([PATCHES[segment] for segment in sorted(PATCHES)])
_MOST_WORDS = np.array([MOST_WORDS[segment] for segment in sorted(MOST_WORDS)])


class Words(NamedTuple):
    """The words of an excerpt, in order: their bytes are ``folded[starts[i]:ends[i]]``; ``latest`` tells those of the
    latest turn. ``patch``: of each word, rising; ``segments`` and ``positions``: of each patch, at least one."""

    folded: NDArray[np.uint8]
    starts: Indices
    ends: Indices
    kinds: NDArray[np.uint8]
    hashes: NDArray[np.uint64]
    latest: NDArray[np.bool_]
    follows: Indices  # those that stand after another word of the same piece
    patch: Indices
    segments: Indices
    positions: Indices

    @property
    def ids(self) -> Hashes:
        """What each word is looked up by."""
        return _shortened(self.hashes)

    @property
    def pair_ids(self) -> Hashes:
        """What each word that follows another is looked up by, together with it."""
        return _shortened(self.hashes[self.follows - 1] * _PAIR + self.hashes[self.follows])


def split(seen: Excerpt) -> Words:
    """Runs of letters, runs of digits, single signs. Case is folded, and every digit is a nought."""
    texts = [piece.text.encode("utf-8", "replace") for piece in seen.pieces]
    raw = np.frombuffer(b"\n".join(texts), np.uint8)
    bounds = np.cumsum([len(text) + 1 for text in texts])
    kinds = _CLASS[raw]
    before = np.empty_like(kinds)
    before[:1], before[1:] = _SPACE, kinds[:-1]
    edge = (kinds != before) | (kinds == _SIGN)
    edges = np.append(np.flatnonzero(edge), len(raw))
    first = np.flatnonzero(kinds[edges[:-1]] != _SPACE)
    starts, ends = edges[first], edges[first + 1]
    piece = np.searchsorted(bounds, starts, side="right")
    segment = np.array([piece.segment for piece in seen.pieces])
    place = _places(piece)
    kept = place < _MOST_WORDS[segment[piece]]
    if not kept.all():
        starts, ends, piece, place = starts[kept], ends[kept], piece[kept], place[kept]
    counts = np.bincount(piece, minlength=len(texts))
    widths = np.minimum(counts, _PATCHES[segment])
    widths[-1] = max(1, widths[-1])
    offsets = np.cumsum(widths) - widths
    patch = offsets[piece] + place * widths[piece] // np.maximum(1, counts[piece])
    folded = _FOLD[raw]
    return Words(
        folded,
        starts,
        ends,
        kinds[starts],
        _stretch(_prefix_sums(folded), starts, ends),
        piece == len(texts) - 1,
        np.flatnonzero(place > 0),
        patch,
        np.repeat(segment, widths),
        np.arange(widths.sum()) - np.repeat(offsets, widths),
    )


def _places(piece: Indices) -> Indices:
    """The place of each word within its piece, from 0."""
    if not len(piece):
        return piece
    counts = np.bincount(piece)
    found: Indices = np.arange(len(piece)) - (np.cumsum(counts) - counts)[piece]
    return found


def ngrams(words: Words, chosen: NDArray[np.bool_]) -> tuple[Hashes, Indices, Floats]:
    """The n-grams of the ``chosen`` words that are letters: hashes, the word of each, and its weight.

    The weights of a word's n-grams add up to 1. Marks count as letters: ``^card$`` begins with ``^ca``.
    """
    at = np.flatnonzero(chosen & (words.kinds == _LETTER))
    if not len(at):
        return np.empty(0, np.uint32), np.empty(0, np.int64), np.empty(0, np.float32)
    lengths = np.minimum(words.ends[at] - words.starts[at], LONGEST_WORD)
    owners = np.repeat(np.arange(len(at)), lengths + 2)
    begins = np.cumsum(lengths + 2) - (lengths + 2)
    inside = np.arange(len(owners)) - begins[owners]
    source = np.minimum(words.starts[at][owners] + inside - 1, len(words.folded) - 1)
    letters = words.folded[source]
    letters[inside == 0] = _MARK
    letters[inside == lengths[owners] + 1] = _MARK
    sums = _prefix_sums(letters)
    hashes, whose = [], []
    for n in NGRAMS:
        first = np.flatnonzero(owners[: max(0, len(owners) - n + 1)] == owners[n - 1 :])
        hashes.append(_stretch(sums, first, first + n))
        whose.append(owners[first])
    owner = np.concatenate(whose)
    share = 1 / np.maximum(1, np.bincount(owner, minlength=len(at)))
    # Times a constant, so that the n-gram "card" of "cards" is not the word "card".
    return _shortened(np.concatenate(hashes) * _GRAM), at[owner], share[owner].astype(np.float32)


def measures(seen: Excerpt, words: Words) -> Floats:
    """Plain measures of the latest turn, each within a few units of 0; shape (``MEASURES``,)."""
    text = seen.pieces[-1].text.strip()
    hashes, kinds = words.hashes[words.latest], words.kinds[words.latest]
    raw = np.frombuffer(text.encode("utf-8", "replace"), np.uint8)
    shares = np.bincount(raw, minlength=256) / max(1, len(raw))
    present = shares[shares > 0]
    count = max(1, len(hashes))
    numbers, lines = int((kinds == _DIGIT).sum()), text.count("\n")
    return np.array(
        [
            np.log1p(seen.characters) / 4 - 1,
            np.log1p(len(hashes)) / 3 - 1,
            np.log1p(seen.turns),
            float(-(present * np.log2(present)).sum()) / 2 - 2,
            len(set(hashes.tolist())) / count * 2 - 1.5,
            np.log1p(numbers),
            numbers / count * 4,
            shares[65:91].sum() * 5,
            shares[128:].sum() * 2,
            shares[_CODE].sum() * 20,
            shares[_MATHS].sum() * 20,
            shares[_PUNCTUATION].sum() * 10 - 0.5,
            np.log1p(lines),
            min(5.0, lines / count * 10),
            text.endswith("?"),
            np.log1p(text.count("?")),
            np.log1p(text.count(". ")),
            np.log1p(text.count("%")),
            np.log1p(text.count("$")),
            "```" in text or "def " in text or "();" in text,
            len(seen.pieces) > 1,
        ],
        np.float32,
    )


MEASURES = 21
_CODE = np.frombuffer(b"{}[]<>;_=#\\|`", np.uint8)
_MATHS = np.frombuffer(b"+*/^=%$", np.uint8)
_PUNCTUATION = np.frombuffer(b".,:;!?'\"()-", np.uint8)


def _shortened(hashes: NDArray[np.uint64]) -> Hashes:
    mixed = (hashes ^ (hashes >> np.uint64(29))) * _MIX
    return (mixed >> np.uint64(32)).astype(np.uint32)


def _prefix_sums(text: NDArray[np.uint8]) -> NDArray[np.uint64]:
    sums = np.zeros(len(text) + 1, np.uint64)
    np.cumsum((text.astype(np.uint64) + np.uint64(1)) * _POWER[: len(text)], out=sums[1:])
    return sums


def _stretch(sums: NDArray[np.uint64], starts: Indices, ends: Indices) -> NDArray[np.uint64]:
    """A polynomial hash of any stretch: a difference of prefix sums, times the inverse power of where it begins."""
    return (sums[ends] - sums[starts]) * _INVERSE[starts]


def _classes() -> NDArray[np.uint8]:
    table = np.full(256, _SIGN, np.uint8)
    table[:33] = _SPACE
    table[65:91] = table[97:123] = table[128:] = _LETTER  # beyond ASCII, nearly always parts of letters
    table[48:58] = _DIGIT
    return table


def _folds() -> NDArray[np.uint8]:
    table = np.arange(256, dtype=np.uint8)
    table[65:91] += 32
    table[48:58] = 48
    return table


def _powers(factor: int) -> NDArray[np.uint64]:
    powers = np.full(_BYTES, factor, np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)


_CLASS, _FOLD = _classes(), _folds()
_POWER, _INVERSE = _powers(_ODD), _powers(pow(_ODD, -1, 1 << 64))
