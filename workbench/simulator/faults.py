"""Faults on request: which exchange goes wrong, how, and how often."""

import random
import threading
from fnmatch import fnmatchcase
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from workbench.simulator.models import Provider

Kind = Literal["status", "delay", "truncate", "malformed", "reset", "drip", "overflow"]


class Fault(BaseModel):
    """One fault. It strikes calls to ``provider`` for a model like ``model`` (a glob), ``times`` times or for ever.

    ``status``: that HTTP status in the provider's own words, with ``retry_after_s``. ``delay``: ``delay_ms`` more.
    ``truncate``: half the body, then the connection closes. ``malformed``: half the JSON, in a whole response.
    ``reset``: the connection is aborted. ``drip``: a byte every ``delay_ms``. ``overflow``: the window's error.
    ``delay_ms`` is real time: the simulator's speed does not scale it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    provider: Provider | None = None
    model: str = "*"
    status: int | None = Field(default=None, ge=400, le=599)
    delay_ms: float = Field(default=100.0, ge=0)
    retry_after_s: float | None = Field(default=None, ge=0)
    times: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1.0, gt=0, le=1)

    @model_validator(mode="after")
    def _status_fits(self) -> Self:
        if (self.kind == "status") != (self.status is not None):
            raise ValueError("status goes with kind=status, and only with it")
        return self

    def strikes(self, provider: str, model_id: str) -> bool:
        """Whether it is meant for this provider and model."""
        return self.provider in (None, provider) and fnmatchcase(model_id, self.model)


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

    def take(self, provider: str, model_id: str) -> Fault | None:
        """The first fault that strikes this exchange, counted down."""
        with self._lock:
            for index, (fault, left) in enumerate(self._left):
                if not fault.strikes(provider, model_id) or self._chance.random() >= fault.probability:
                    continue
                if left is not None:
                    self._left[index : index + 1] = [(fault, left - 1)] if left > 1 else []
                return fault
        return None
