"""What a request takes of its limits while it runs: money, requests, tokens, places in flight."""

from typing import Literal

from pydantic import Field

from signalbox.contracts.model import Contract

Measure = Literal["microusd", "requests", "tokens", "in_flight"]


class Hold(Contract):
    """A part of one limit, held before a call and settled after it.

    ``counter`` and ``window`` name the counter, such as ``caller#alice`` and ``microusd#day#2026-11-21``. What
    was committed to it and ``amount`` together never pass ``limit``. ``resets_at_ms`` (Unix) is None for places
    in flight, which come back by themselves. ``degrade_to`` is the role that the policy falls back to when the
    limit is reached.
    """

    counter: str
    window: str
    measure: Measure
    limit: int = Field(ge=0)
    amount: int = Field(ge=0)
    label: str  # for people: "microusd per day of caller alice"
    resets_at_ms: int | None = None
    degrade_to: str | None = None
