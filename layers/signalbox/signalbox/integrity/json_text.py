"""JSON as a machine at the caller's side would read it: strictly, and within bounds. Pure.

RFC 8259 with RFC 7493's rule that an object says each name once: parsers differ in which of two they keep, so what
was checked would not be what is read. NaN and numbers beyond a double are nobody's JSON. A code fence around it is
no JSON either: the caller gets the text as it is, and a parser stops at the fence.
"""

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

MOST_LEVELS = 64  # lists and objects inside one another; every walk over a value counts on it
MOST_CHARACTERS = 80  # of a value as it is shown
_CUT = "…"


class NotJson(Exception):
    """``got`` says in one word what stands there instead."""

    def __init__(self, got: str) -> None:
        super().__init__(got)
        self.got = got


def parse(text: str) -> Any:
    """The value that ``text`` is. Raises NotJson."""
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_float=_finite, parse_constant=_no_constant)
    except RecursionError:
        raise NotJson("TOO_DEEP") from None
    except ValueError:  # among them whole numbers of more digits than Python reads
        raise NotJson(_instead(text)) from None
    if levels_beyond(value, MOST_LEVELS):
        raise NotJson("TOO_DEEP")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise NotJson("DUPLICATE_KEY")
    return found


def _finite(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise NotJson("NUMBER_TOO_LARGE")
    return number


def _no_constant(name: str) -> NoReturn:
    raise NotJson(name.upper().lstrip("-"))


def _instead(text: str) -> str:
    begins = text.lstrip()
    if not begins:
        return "NOTHING"
    return "CODE_FENCE" if begins.startswith("```") else "TEXT"


def levels_beyond(value: Any, limit: int) -> bool:
    """Whether lists and objects stand more than ``limit`` levels inside one another."""
    layer = [value]
    for _ in range(limit):
        layer = [inner for one in layer if isinstance(one, dict | list) for inner in _children(one)]
        if not layer:
            return False
    return any(isinstance(one, dict | list) for one in layer)


def strings(value: Any) -> Iterator[str]:
    """Every string in ``value``, in order; names of fields are none."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict | list):
            waiting.extend(reversed(list(_children(one))))


def _children(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value


def type_name(value: Any) -> str:
    """As a violation spells it."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "BOOL"
        case int():
            return "INT"
        case float():
            return "NUMBER"
        case str():
            return "STRING"
        case list():
            return "ARRAY"
        case _:
            return "OBJECT"


def shown(value: Any) -> str:
    """``value`` as JSON of ``MOST_CHARACTERS`` at most, cut where it is longer."""
    if isinstance(value, str):
        value = value[: MOST_CHARACTERS + 1]
    pieces, length = [], 0
    try:
        for piece in json.JSONEncoder(ensure_ascii=False, default=str).iterencode(value):
            pieces.append(piece[: MOST_CHARACTERS + 1])
            length += len(piece)
            if length > MOST_CHARACTERS:
                break
    except (TypeError, ValueError):  # no JSON, out of somebody's YAML
        return type_name(value)
    return cut(printable("".join(pieces)))


def cut(text: str) -> str:
    """``text`` of ``MOST_CHARACTERS`` at most."""
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + _CUT


def printable(text: str) -> str:
    """Halves of surrogate pairs, which no encoder takes, as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()
