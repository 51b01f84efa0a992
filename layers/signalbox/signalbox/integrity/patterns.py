"""Regular expressions out of somebody's schema, run in time linear in the text.

Rust's engine, which pydantic has on board, never backtracks; it knows no lookaround and no backreferences. Its time
grows with the expression too, counted repetitions written out, so that is weighed before it is compiled.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from pydantic_core import SchemaError, SchemaValidator, core_schema

# Of all expressions of one schema: they take under half a second to compile at worst.
MOST_WEIGHT = 20_000
_TOKEN = re.compile(r"(\\.)|(\[\^?(?:\\.|[^\]\\])*+\])|\{(\d{1,6})(?:,(\d{0,6}))?\}|.", re.DOTALL)
# As ECMA-262 means them, which JSON Schema goes by; Rust means all of Unicode, and edges of words by the last two.
_ECMA = {"\\d": "[0-9]", "\\D": "[^0-9]", "\\w": "[A-Za-z0-9_]", "\\W": "[^A-Za-z0-9_]", "\\<": "<", "\\>": ">"}
# Over all of Unicode: automata of many states.
_LARGE, _MIDDLING = re.compile(r"\\[pPbB]"), re.compile(r"\\[DWsS]|^\.$|^\[\^")


@dataclass(frozen=True)
class Pattern:
    found_in: Callable[[str], bool]
    weight: int


def compiled(expression: str) -> Pattern | None:
    """None for one that the engine does not know or refuses for its size."""
    rust = "".join(_translated(token) for token in _TOKEN.finditer(expression))
    try:
        rust.encode()  # half a surrogate pair
        engine = SchemaValidator(core_schema.str_schema(pattern=rust, regex_engine="rust-regex", strict=True))
    except (SchemaError, UnicodeEncodeError):
        return None
    return Pattern(engine.isinstance_python, weight(expression))


def _translated(token: re.Match[str]) -> str:
    if token[1]:
        return _ECMA.get(token[1], token[1])
    if token[2]:  # where Rust has sets within sets, and operators between them
        return "[" + re.sub(r"\\.|[\[&~]|--", _in_a_class, token[2][1:-1], flags=re.DOTALL) + "]"
    return token[0]


def _in_a_class(found: re.Match[str]) -> str:
    if found[0].startswith("\\"):
        return _ECMA.get(found[0], found[0])
    return "-\\-" if found[0] == "--" else f"\\{found[0]}"


def weight(expression: str) -> int:
    """What it takes to carry ``expression`` over one character, erring high: counted repetitions multiply."""
    outer: list[int] = []
    group, atom = 1, 0
    for token in _TOKEN.finditer(expression):
        match token[0]:
            case "(":
                outer.append(group)
                group, atom = 1, 0
            case ")" if outer:
                group, atom = outer.pop() + group, group
            case _ if token[3]:
                times = max(int(token[3]), int(token[4] or 0), 1)
                group, atom = group + atom * (times - 1), atom * times
            case one:
                atom = 50 if _LARGE.search(one) else 10 if _MIDDLING.search(one) else 1
                group += atom
    return group + sum(outer)
