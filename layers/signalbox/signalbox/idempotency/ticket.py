"""What entitles to an answer, and the answer that was given for it."""

import hashlib
import json
from dataclasses import dataclass
from typing import Literal

from signalbox.contracts.answers import Answer


@dataclass(frozen=True)
class Ticket:
    """``key`` is the caller's own, or the hash of what was asked; only together with ``caller`` does it mean anything.

    ``fingerprint`` is of what was asked: the same key with another one is refused. ``lease_ms`` is how long the
    work may take before it counts as lost; ``wait_until_ms`` (Unix) how long others wait for it.
    """

    kind: Literal["idempotency", "cache"]
    caller: str
    key: str
    fingerprint: str
    keep_s: int
    lease_ms: int
    wait_until_ms: int

    @property
    def id(self) -> str:
        """Under which the answer is kept: the caller first, then a hash (hex); never the caller's key itself."""
        hashed = hashlib.sha256(json.dumps(self.key).encode()).hexdigest()  # as Powertools hashes its keys
        return f"{self.caller}#{self.kind}#{hashed}"


@dataclass(frozen=True)
class Given:
    """``fresh``: the work was done just now, not before. ``age_s`` of the answer, in seconds."""

    answer: Answer
    fresh: bool
    age_s: int = 0


class NotKept(Exception):
    """Raised by work whose outcome is for this one request only; ``Once.run`` lets it through and keeps nothing."""
