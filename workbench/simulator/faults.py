"""Faults on request: which exchange goes wrong, how, and how often."""

import random
import threading
from fnmatch import fnmatchcase
from typing import Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from workbench.simulator.models import Provider
from workbench.simulator.moods import PLAYED_BY, Mood
from workbench.simulator.parts import Part

Transport = Literal["status", "delay", "truncate", "malformed", "reset", "drip", "overflow"]
Kind = Transport | Mood
_MOODS: tuple[Mood, ...] = get_args(Mood)


class Fault(BaseModel):
    """One fault. It strikes calls to ``provider`` for a model like ``model`` (a glob), ``times`` times or for ever;
    with ``only``, those that play that part of a plan.

    ``status``: that HTTP status in the provider's own words, with ``retry_after_s``. ``delay``: ``delay_ms`` more.
    ``truncate``: half the body, then the connection closes. ``malformed``: half the JSON, in a whole response.
    ``reset``: the connection is aborted. ``drip``: a byte every ``delay_ms``. ``overflow``: the window's error.
    ``delay_ms`` is real time: the simulator's speed does not scale it. The rest are moods: see ``moods``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    provider: Provider | None = None
    model: str = "*"
    only: Part | None = None
    status: int | None = Field(default=None, ge=400, le=599)
    delay_ms: float = Field(default=100.0, ge=0)
    retry_after_s: float | None = Field(default=None, ge=0)
    times: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1.0, gt=0, le=1)

    @model_validator(mode="after")
    def _status_fits(self) -> Self:
        if (self.kind == "status") != (self.status is not None):
            raise ValueError("status goes with kind=status, and only with it")
        if self.only and self.only not in PLAYED_BY.get(self.kind, {self.only}):
            raise ValueError(f"{self.kind} changes nothing about {self.only}")
        return self

    @property
    def mood(self) -> Mood | None:
        """The mood it puts a model in, if it does."""
        return next((mood for mood in _MOODS if mood == self.kind), None)

    def strikes(self, provider: str, model_id: str, part: Part) -> bool:
        """Whether it is meant for this provider, model and part."""
        meant = self.provider in (None, provider) and fnmatchcase(model_id, self.model)
        return meant and self.only in (None, part) and part in PLAYED_BY.get(self.kind, {part})


class FaultBook:
    """The faults in force, oldest first. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._chance = random.Random(0)  # noqa: S311 - repeatable chance is the point
        self._left: list[tuple[Fault, int | None]] = []

    def add(self, fault: Fault) -> None:
        """Put ``fault`` in force."""
        with self._lock:
            self._left.append((fault, fault.times))

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._left.clear()

    def listed(self) -> list[dict[str, object]]:
        """The faults in force as JSON values, with the ``times`` they have left."""
        with self._lock:
            return [fault.model_dump(exclude_none=True) | ({"times": n} if n else {}) for fault, n in self._left]

    def take(self, provider: str, model_id: str, part: Part = "answer") -> Fault | None:
        """The first fault that strikes this exchange, counted down."""
        with self._lock:
            for index, (fault, left) in enumerate(self._left):
                if not fault.strikes(provider, model_id, part) or self._chance.random() >= fault.probability:
                    continue
                if left is not None:
                    self._left[index : index + 1] = [(fault, left - 1)] if left > 1 else []
                return fault
        return None
