"""The prompt cache: a prefix seen within five minutes counts as cached."""

import hashlib
import time
from collections.abc import Callable
from itertools import accumulate

from workbench.simulator.exchange import SimRequest
from workbench.simulator.models import Model

LIFETIME_S = 300.0
MAX_PREFIXES = 50_000


class PromptCache:
    """Remembers prefixes by hash, at the ends of turns only. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._expires_s: dict[bytes, float] = {}

    def use(self, model: Model, request: SimRequest, part_tokens: list[int]) -> tuple[int, int]:
        """How many input tokens are read from the cache and how many are newly written to it."""
        if model.caching == "none" or (model.caching == "explicit" and not request.cache_asked):
            return 0, 0
        now_s = self._clock()
        lengths = [total - total % model.cache_step_tokens for total in accumulate(part_tokens)]
        prefixes = [
            (length, key)
            for length, key in zip(lengths, _prefix_keys(model, request), strict=True)
            if length >= model.cache_min_tokens
        ]
        read = max((length for length, key in prefixes if self._expires_s.get(key, 0.0) > now_s), default=0)
        for _, key in prefixes:
            self._expires_s[key] = now_s + LIFETIME_S
        self._shrink(now_s)
        longest = max((length for length, _ in prefixes), default=0)
        return read, max(0, longest - read)

    def _shrink(self, now_s: float) -> None:
        if len(self._expires_s) > MAX_PREFIXES:
            self._expires_s = {key: until for key, until in self._expires_s.items() if until > now_s}


def _prefix_keys(model: Model, request: SimRequest) -> list[bytes]:
    running = hashlib.sha256(f"{model.provider}/{model.id}".encode())
    keys = []
    for part in request.parts():
        running.update(hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest())
        keys.append(running.copy().digest())
    return keys
