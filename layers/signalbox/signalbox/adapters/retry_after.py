"""When a provider says to come back, in any of the ways they say it."""

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def retry_after_ms(headers: Mapping[str, str]) -> int | None:
    """Milliseconds to wait by ``retry-after-ms``, ``retry-after`` (seconds or a date) or, when a
    limit is used up, ``x-ratelimit-reset-*`` (``6m0s``, ``20ms``). None when nothing says so.

    ``headers`` must be case-insensitive. Sources: RFC 9110 10.2.3; OpenAI and Azure rate-limit headers.
    """
    if (exact := _number(headers.get("retry-after-ms"))) is not None:
        return round(exact)
    if (after := headers.get("retry-after")) is not None:
        seconds = _number(after)
        return round(seconds * 1_000) if seconds is not None else _until(after, headers.get("date"))
    waits = [
        wait
        for kind in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{kind}") == "0"
        and (wait := span_ms(headers.get(f"x-ratelimit-reset-{kind}", ""))) is not None
    ]
    return max(waits, default=None)


def span_ms(text: str) -> int | None:
    """``1m30.5s`` as milliseconds; None when it is no such span."""
    if not text or _SPAN.sub("", text):
        return None
    return round(sum(float(amount) * _UNITS_MS[unit] for amount, unit in _SPAN.findall(text)))


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\d{1,9}(\.\d+)?", text.strip()) else None


def _until(then: str, now: str | None) -> int | None:
    """Between two HTTP dates of the same response, so that no clock but the provider's is asked."""
    try:
        start: datetime = parsedate_to_datetime(now or "")
        return max(0, round((parsedate_to_datetime(then) - start).total_seconds() * 1_000))
    except (ValueError, TypeError):
        return None
