"""Rate limits: two buckets a model, requests and tokens, refilled evenly over a minute."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from workbench.simulator.models import Model

MINUTE_S = 60.0


@dataclass
class _Bucket:
    capacity: int
    left: float
    at_s: float

    def refill(self, now_s: float) -> None:
        self.left = min(self.capacity, self.left + (now_s - self.at_s) * self.capacity / MINUTE_S)
        self.at_s = now_s

    def wait_s(self, amount: float) -> float:
        """Seconds until ``amount`` is there."""
        return max(0.0, (amount - self.left) * MINUTE_S / self.capacity)

    @property
    def reset_s(self) -> float:
        """Seconds until the bucket is full."""
        return self.wait_s(self.capacity)


@dataclass(frozen=True)
class LimitState:
    """Where one model's limits stand. ``over`` names the one that a request broke, with how much it asked for."""

    requests_limit: int
    requests_left: int
    requests_reset_s: float
    tokens_limit: int
    tokens_left: int
    tokens_reset_s: float
    over: Literal["requests", "tokens"] | None = None
    requested: int = 0
    retry_after_s: float = 0.0


class Limits:
    """Counts what each model was asked for. Safe between threads; ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[_Bucket, _Bucket]] = {}

    def take(self, model: Model, tokens: int) -> LimitState:
        """Take one request and ``tokens`` from ``model``'s limits, or neither where one of them is used up."""
        with self._lock:
            now_s = self._clock()
            requests, room = self._buckets.setdefault(
                f"{model.provider}/{model.id}",
                (
                    _Bucket(model.requests_per_minute, model.requests_per_minute, now_s),
                    _Bucket(model.tokens_per_minute, model.tokens_per_minute, now_s),
                ),
            )
            for bucket in (requests, room):
                bucket.refill(now_s)
            if requests.left < 1:
                return _state(requests, room, "requests", 1)
            if room.left < tokens:
                return _state(requests, room, "tokens", tokens)
            requests.left -= 1
            room.left -= tokens
            return _state(requests, room, None, tokens)


def _state(requests: _Bucket, room: _Bucket, over: Literal["requests", "tokens"] | None, requested: int) -> LimitState:
    retry_after_s = 0.0 if over is None else (requests if over == "requests" else room).wait_s(requested)
    return LimitState(
        requests_limit=requests.capacity,
        requests_left=int(requests.left),
        requests_reset_s=requests.reset_s,
        tokens_limit=room.capacity,
        tokens_left=int(room.left),
        tokens_reset_s=room.reset_s,
        over=over,
        requested=requested,
        retry_after_s=retry_after_s,
    )
