"""The ``x-ratelimit-*`` headers that OpenAI's SDKs and their users read. Pure.

Source: https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
"""

from collections.abc import Iterable

from signalbox.quotas.standing import Standing


def headers(standings: Iterable[Standing], now_ms: int) -> dict[str, str]:
    """Of requests and of tokens each the limit with the least room; none for what is not limited."""
    found: dict[str, str] = {}
    standings = tuple(standings)
    for measure in ("requests", "tokens"):
        limited = [one for one in standings if one.hold.measure == measure]
        if not limited:
            continue
        tightest = min(limited, key=_remaining)
        found[f"x-ratelimit-limit-{measure}"] = str(tightest.hold.limit)
        found[f"x-ratelimit-remaining-{measure}"] = str(_remaining(tightest))
        found[f"x-ratelimit-reset-{measure}"] = duration((tightest.hold.resets_at_ms or now_ms) - now_ms)
    return found


def duration(ms: int) -> str:
    """As OpenAI writes it, which is as Go does: ``20ms``, ``8.64s``, ``6m0s``, ``1h0m0s``."""
    ms = max(0, ms)
    if 0 < ms < 1_000:
        return f"{ms}ms"
    minutes, rest_ms = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest_ms / 1_000:.3f}".rstrip("0").rstrip(".") + "s"
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + seconds


def _remaining(standing: Standing) -> int:
    return max(0, standing.hold.limit - standing.committed)
