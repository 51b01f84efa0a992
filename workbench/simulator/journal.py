"""What was asked of the simulator: figures only, never a message's text."""

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

MAX_ENTRIES = 10_000


@dataclass
class Entry:
    """One provider call. ``status`` is 0 where the connection was aborted; ``at`` is ISO 8601 in UTC."""

    at: str
    method: str
    path: str
    provider: str
    model: str | None = None
    status: int = 0
    fault: str | None = None
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    latency_ms: float = 0.0


class Journal:
    """The last calls, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=MAX_ENTRIES)

    def add(self, entry: Entry) -> None:
        """Write ``entry`` down."""
        self._entries.append(entry)

    def clear(self) -> None:
        """Start afresh."""
        self._entries.clear()

    def listed(self) -> list[dict[str, Any]]:
        """All entries as JSON values."""
        return [asdict(entry) for entry in self._entries]
