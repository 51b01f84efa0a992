"""What was asked of the simulator: figures only, never a message's text.

Save for markers: whoever wants to know which models a text reached puts ``CANARY-`` and a name into it.
"""

import re
from collections import deque
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from workbench.simulator.parts import Part

MAX_ENTRIES = 10_000
MAX_MARKERS = 100
_MARKER = re.compile(rb"canary-[a-z0-9-]{1,64}", re.IGNORECASE)


@dataclass
class Entry:
    """One provider call. ``status`` is 0 where the connection was aborted; ``at`` is ISO 8601 in UTC.

    ``part`` is what the model was asked to be, where the request could be read. ``cost_microusd`` is by the prices that
    Signalbox ships, 0 for a model that they do not name; a reply that got lost is billed like any other.
    """

    at: str
    method: str
    path: str
    provider: str
    model: str | None = None
    part: Part | None = None
    status: int = 0
    fault: str | None = None
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_microusd: int = 0
    latency_ms: float = 0.0
    markers: list[str] = field(default_factory=list)


def markers(body: bytes) -> list[str]:
    """The distinct markers anywhere in a request's body, in order, ``MAX_MARKERS`` at most."""
    found: dict[str, None] = {}
    for one in _MARKER.finditer(body):
        found[one[0].decode("ascii")] = None
        if len(found) == MAX_MARKERS:
            break
    return list(found)


def now() -> str:
    """ISO 8601 in UTC, as ``Entry.at`` has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Journal:
    """The last calls, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=MAX_ENTRIES)
        self._since = ""

    def add(self, entry: Entry) -> None:
        """Write ``entry`` down, unless its call came before the journal was started afresh."""
        if entry.at >= self._since:
            self._entries.append(entry)

    def clear(self) -> None:
        """Start afresh: what is still being answered belongs to what was before."""
        self._entries.clear()
        self._since = now()

    def listed(self) -> list[dict[str, Any]]:
        """All entries as JSON values."""
        return [asdict(entry) for entry in self._entries]
