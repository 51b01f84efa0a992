"""JSON that travels as text: tool arguments and tool results."""

import json
import math
from typing import Any, NoReturn


def parse_object(text: str) -> dict[str, Any] | None:
    """``text`` as a JSON object, or None when it is anything else.

    Strict: NaN, infinities and numbers too large for a double are not JSON that a provider
    would take, so a text with one of them is not an object here.
    """
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(digits)
    return value
