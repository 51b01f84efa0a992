"""``excerpt``: the bounded view of a conversation that is read, however long it is."""

from collections.abc import Sequence
from typing import NamedTuple

# Characters. Of the latest turn what it begins and what it ends with; of earlier turns, newest first, a little.
HEAD, TAIL = 1200, 560
EARLIER_TURNS = 4
EARLIER_HEAD, EARLIER_TAIL = 160, 96

# Where a piece is from: rows of the network's segment table.
LATEST, EARLIER_USER, EARLIER_OTHER = range(3)


class Turn(NamedTuple):
    """One message: whether a user said it, and its text."""

    user: bool
    text: str


class Piece(NamedTuple):
    """A stretch of text and its segment."""

    segment: int
    text: str


class Excerpt(NamedTuple):
    """``pieces`` in reading order, the latest turn last. ``characters``: how long the latest turn is in all;
    ``turns``: how many there are in all."""

    pieces: tuple[Piece, ...]
    characters: int
    turns: int


def excerpt(turns: Sequence[Turn], before: int = 0) -> Excerpt:
    """The latest user turn and what was said just before it. System messages do not belong in ``turns``;
    ``before``: how many turns there were before the first of them.

    Never more than ``HEAD + TAIL`` and ``EARLIER_TURNS * (EARLIER_HEAD + EARLIER_TAIL)`` characters, and one between
    each head and its tail.
    """
    last = next((at for at in range(len(turns) - 1, -1, -1) if turns[at].user), len(turns) - 1)
    if last < 0:
        return Excerpt((Piece(LATEST, ""),), 0, before)
    earlier = [
        Piece(EARLIER_USER if turn.user else EARLIER_OTHER, shortened(turn.text))
        for turn in turns[max(0, last - EARLIER_TURNS) : last]
    ]
    text = turns[last].text
    return Excerpt((*earlier, Piece(LATEST, _ends(text, HEAD, TAIL))), len(text), before + len(turns))


def shortened(text: str) -> str:
    """What is read of an earlier turn, as valid Unicode. Shortening twice is shortening once."""
    return _ends(text, EARLIER_HEAD, EARLIER_TAIL).encode("utf-8", "replace").decode()


def _ends(text: str, head: int, tail: int) -> str:
    return text if len(text) <= head + tail + 1 else f"{text[:head]} {text[-tail:]}"
