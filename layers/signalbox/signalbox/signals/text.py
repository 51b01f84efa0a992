"""What the text of one turn shows by itself. Everything here takes linear time."""

import math
from collections import Counter
from collections.abc import Mapping
from re import Pattern

# Entities and code are looked for in at most this many characters: half at each end.
SCANNED_CHARACTERS = 16_384

_FENCES = ("```", "~~~")
_CODE_STARTS = ("#include", "const ", "def ", "function ", "import ", "package ", "public ", "SELECT ", "</", "@")
_CODE_ENDS = (";", "{", "}", "):", "/>")


def shannon_entropy(text: str) -> float:
    """Bits per character of the character distribution; 0 for an empty text."""
    total = len(text)
    return math.fsum(n / total * math.log2(total / n) for n in Counter(text).values())


def tail_newline(text: str, tail: int = 500) -> bool:
    """Whether one of the last ``tail`` characters is a newline."""
    return text.rfind("\n", max(0, len(text) - tail)) >= 0


def has_code(text: str) -> bool:
    """Whether the text holds a fenced block, or at least two lines that begin or end as code does.

    Only the first and last 8,192 characters are looked at.
    """
    found = 0
    for end in _ends(text):
        if any(fence in end for fence in _FENCES):
            return True
        lines = [line.strip() for line in end.splitlines()]
        found += sum(line.startswith(_CODE_STARTS) or line.endswith(_CODE_ENDS) for line in lines)
    return found >= 2


def distinct_entities(text: str, patterns: Mapping[str, Pattern[str]]) -> int:
    """How many different strings the patterns match, whatever their case.

    A string that two patterns match counts once; empty matches do not count. Only the first and
    last 8,192 characters are looked at, so that the cost is bounded by the patterns alone.
    """
    ends = _ends(text)
    matched = {m.group().casefold() for pattern in patterns.values() for end in ends for m in pattern.finditer(end)}
    return len(matched - {""})


def _ends(text: str) -> tuple[str, ...]:
    if len(text) <= SCANNED_CHARACTERS:
        return (text,)
    half = SCANNED_CHARACTERS // 2
    return text[:half], text[-half:]
