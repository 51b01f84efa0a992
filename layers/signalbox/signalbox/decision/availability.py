"""Which of the models that could answer may be asked just now (E9): not one that cools, nor one whose gate is full."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from signalbox.contracts.decisions import Hop, Rejection
from signalbox.contracts.runtime import Runtime

# A place at a gate comes free when some call ends; nobody knows when.
GATE_RETRY_AFTER_MS = 1_000
SHUT_BY = {"errors": "it failed too often", "retry_after": "its provider asked to wait", None: "it failed too often"}


@dataclass(frozen=True)
class Availability:
    """``full`` by roster id, with what to say of the gate. Without anything known, all are well."""

    runtime: Runtime
    full: Mapping[str, str]
    now: datetime

    def of(self, sized: Hop | Rejection) -> Hop | Rejection:
        """Asked last: who is rejected here could answer otherwise, and may be asked again later."""
        if isinstance(sized, Rejection):
            return sized
        state = self.runtime.of(sized.model)
        if state.circuit == "cooling" and state.shut_until_ms is not None:
            until = datetime.fromtimestamp(state.shut_until_ms / 1_000, UTC)
            left_ms = max(0, math.ceil((until - self.now).total_seconds() * 1_000))
            detail = f"cooling until {until.isoformat(timespec='milliseconds')}: {SHUT_BY[state.shut_by]}"
            return Rejection(model=sized.model, reason="health", detail=detail, retry_after_ms=left_ms)
        if (told := self.full.get(sized.model)) is not None:
            return Rejection(model=sized.model, reason="gate", detail=told, retry_after_ms=GATE_RETRY_AFTER_MS)
        return sized.model_copy(update={"probe": True}) if state.circuit == "probing" else sized
