"""Whether an entity pattern could take far too long on a hostile message.

Python's ``re`` backtracks through every way of splitting a text between two repeats without an upper limit. One
inside the other, as in ``(a+)+``, has exponentially many; one after the other over the same characters, as in
``\\w+\\d+x``, a power of the text's length. Both are read off the tree of ``re``'s own parser; a pattern that does
not compile has none.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# Characters of every kind that patterns tell apart. Two repeats are taken to overlap where they share one of these.
_SAMPLES = (
    "".join(map(chr, range(128)))
    + "\x85\xa0\xdf\xe9\xb2\xbd\u03a9\u0416\u05e9\u0661\u0905\u4e2d\u3042\ud55c\u20ac\u2013\u2028\U0001f600"
)
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT")


@dataclass(frozen=True)
class _Piece:
    """A part of a sequence: what it may consist of, whether it may be absent, and whether it goes on without end."""

    characters: frozenset[str]
    optional: bool
    unbounded: bool = False


def unbounded_nesting(pattern: str) -> bool:
    """Whether a repeat without an upper limit stands inside another."""
    tree = _parsed(pattern)
    return tree is not None and _nested(tree, inside=False)


def unbounded_neighbours(pattern: str) -> bool:
    """Whether two repeats without an upper limit follow one another, and nothing between them tells them apart.

    Errs on the careful side where alternatives are repeated.
    """
    tree = _parsed(pattern)
    return tree is not None and any(map(_ambiguous, _sequences(tree)))


def _parsed(pattern: str) -> Any:
    try:
        return re._parser.parse(pattern)  # type: ignore[attr-defined]
    except (re.error, OverflowError, RecursionError):
        return None


def _nested(part: Any, *, inside: bool) -> bool:
    for operation, argument in part:
        unbounded = _unbounded(operation, argument)
        if unbounded and inside:
            return True
        if any(_nested(below, inside=inside or unbounded) for below in _below(argument)):
            return True
    return False


def _unbounded(operation: Any, argument: Any) -> bool:
    return str(operation) in _REPEATS and str(argument[1]) == "MAXREPEAT"


def _below(argument: Any) -> Iterator[Any]:
    """The patterns inside an operation's argument, however it holds them."""
    if isinstance(argument, re._parser.SubPattern):  # type: ignore[attr-defined]
        yield argument
    elif isinstance(argument, tuple | list):
        for item in argument:
            yield from _below(item)


def _sequences(part: Any) -> Iterator[list[_Piece]]:
    """Each run of parts that are matched one after the other: the whole, then those inside alternatives and such."""
    yield list(_pieces(part))
    for _, argument in part:
        for below in _below(argument):
            yield from _sequences(below)


def _pieces(part: Any) -> Iterator[_Piece]:
    for operation, argument in part:
        name = str(operation)
        if name == "SUBPATTERN":
            yield from _pieces(argument[-1])
        elif name in _REPEATS and not _unbounded(operation, argument):
            once = list(_pieces(argument[2]))
            if argument[0] == 0:
                once = [_Piece(piece.characters, True, piece.unbounded) for piece in once]
            yield from once * min(argument[1], 2)  # a second time is where neighbours of its own begin
        else:
            yield _piece(part, operation, argument)


def _piece(part: Any, operation: Any, argument: Any) -> _Piece:
    single = re._parser.SubPattern(part.state, [(operation, argument)])  # type: ignore[attr-defined]
    optional = single.getwidth()[0] == 0
    if inside := list(_below(argument)):
        pieces = [piece for below in inside for piece in _pieces(below)]
        characters = frozenset[str]().union(*(piece.characters for piece in pieces))
        endless = _unbounded(operation, argument) or any(piece.unbounded for piece in pieces)
        # What only looks ahead, and what never gives back, is no neighbour.
        held = str(operation) in ("ASSERT", "ASSERT_NOT", "ATOMIC_GROUP", "POSSESSIVE_REPEAT")
        return _Piece(characters, optional, endless and not held)
    if str(operation) == "AT":
        return _Piece(frozenset(), True)
    if str(operation).startswith("GROUPREF"):
        return _Piece(frozenset(_SAMPLES), True)
    return _Piece(_matched(single), optional)


def _matched(single: Any) -> frozenset[str]:
    """The sample characters that a part for one character takes."""
    compiled = re._compiler.compile(single)  # type: ignore[attr-defined]
    return frozenset(one for one in _SAMPLES if compiled.fullmatch(one))


def _ambiguous(pieces: list[_Piece]) -> bool:
    return any(
        first.unbounded and last.unbounded and _both_take(first.characters & last.characters, pieces[at + 1 : end])
        for at, first in enumerate(pieces)
        for end, last in enumerate(pieces[at + 1 :], at + 1)
    )


def _both_take(shared: frozenset[str], between: list[_Piece]) -> bool:
    """Whether a text of ``shared`` characters may be all of it, wherever what stands between is found in it."""
    return bool(shared) and all(piece.optional or shared & piece.characters for piece in between)
