"""Words, patches and hashes again, one character at a time: slow, and plain enough to be read.

Its factors are those of the shipped weights: with others, every hash that was learnt is another one.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from signalbox.tagger.excerpt import Excerpt
from signalbox.tagger.features import MOST_WORDS, PATCHES

LETTERS, DIGITS, SIGN = 1, 2, 3

_WHOLE = 1 << 64


class Word(NamedTuple):
    """``place``: within its piece. ``patch``: among those of all pieces."""

    text: bytes
    kind: int
    piece: int
    place: int
    patch: int


class Patch(NamedTuple):
    segment: int
    position: int


def spelled(text: str) -> Iterator[tuple[bytes, int]]:
    """The words of a text, folded, and what each is made of."""
    word, before = "", 0
    for character in text:
        kind = _kind(character)
        if word and (kind != before or kind == SIGN):
            yield word.encode(), before
            word = ""
        if kind:
            word += _folded(character)
        before = kind
    if word:
        yield word.encode(), before


def read(seen: Excerpt) -> tuple[list[Word], list[Patch]]:
    """The words of an excerpt and its patches."""
    words: list[Word] = []
    patches: list[Patch] = []
    for number, piece in enumerate(seen.pieces):
        own = list(spelled(piece.text))[: MOST_WORDS[piece.segment]]
        width = min(len(own), PATCHES[piece.segment])
        if number == len(seen.pieces) - 1:
            width = max(1, width)
        for place, (text, kind) in enumerate(own):
            words.append(Word(text, kind, number, place, len(patches) + place * width // len(own)))
        patches += [Patch(piece.segment, position) for position in range(width)]
    return words, patches


def polynomial(text: bytes) -> int:
    return sum((byte + 1) * pow(0x9E3779B97F4A7C15, at, _WHOLE) for at, byte in enumerate(text)) % _WHOLE


def shortened(long: int) -> int:
    return ((long ^ long >> 29) * 0xD6E8FEB86659FD93 % _WHOLE) >> 32


def word_id(word: bytes) -> int:
    return shortened(polynomial(word))


def pair_id(first: bytes, second: bytes) -> int:
    return shortened((polynomial(first) * 0xA0761D6478BD642F + polynomial(second)) % _WHOLE)


def pairs(words: Sequence[Word]) -> Iterator[tuple[Word, Word]]:
    """Neighbours within one piece."""
    return ((one, other) for one, other in pairwise(words) if one.piece == other.piece)


def grams(word: bytes) -> Counter[int]:
    """The ids of the stretches of 3, 4 and 5 bytes of a word between its marks; of a long word, of its first 24."""
    marked = b"\x01" + word[:24] + b"\x01"
    stretches = [marked[at : at + n] for n in (3, 4, 5) for at in range(len(marked) - n + 1)]
    return Counter(shortened(polynomial(one) * 0xE7037ED1A0B428DB % _WHOLE) for one in stretches)


def _kind(character: str) -> int:
    """0 for what stands between words."""
    if ord(character) <= 32:
        return 0
    if character in "0123456789":
        return DIGITS
    if "\ud800" <= character <= "\udfff":  # half of a character: nothing that UTF-8 could say
        return SIGN
    return LETTERS if ord(character) > 127 or character.isalpha() else SIGN


def _folded(character: str) -> str:
    if "\ud800" <= character <= "\udfff":
        return "?"
    if character in "0123456789":
        return "0"
    return character.lower() if character.isascii() else character
