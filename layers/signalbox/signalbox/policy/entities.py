"""Whether an entity pattern could take exponential time on a hostile message."""

import re
from collections.abc import Iterator
from typing import Any


def unbounded_nesting(pattern: str) -> bool:
    """Whether a repeat without an upper limit stands inside another, as in ``(a+)+``.

    Python's ``re`` backtracks through every way of splitting the text between the two. Reads the
    tree of ``re``'s own parser; a pattern that does not compile has none.
    """
    try:
        tree = re._parser.parse(pattern)  # type: ignore[attr-defined]
    except (re.error, OverflowError, RecursionError):
        return False
    return _nested(tree, inside=False)


def _nested(part: Any, *, inside: bool) -> bool:
    for operation, argument in part:
        unbounded = str(operation) in ("MAX_REPEAT", "MIN_REPEAT") and str(argument[1]) == "MAXREPEAT"
        if unbounded and inside:
            return True
        if any(_nested(below, inside=inside or unbounded) for below in _below(argument)):
            return True
    return False


def _below(argument: Any) -> Iterator[Any]:
    """The patterns inside an operation's argument, however it holds them."""
    if isinstance(argument, re._parser.SubPattern):  # type: ignore[attr-defined]
        yield argument
    elif isinstance(argument, tuple | list):
        for item in argument:
            yield from _below(item)
