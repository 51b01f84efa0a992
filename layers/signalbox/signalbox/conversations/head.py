"""A conversation's own item: how far it has come, who is appending to it, and how long it stays. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from signalbox.contracts.conversations import Snapshot, Spoken
from signalbox.contracts.errors import Conflict
from signalbox.conversations.opened import Opening

# When to come back to a conversation that another request is appending to; most are done far before their claim ends.
LONGEST_RETRY_MS = 1_000
NOTHING = Snapshot(messages=0, convo_length=0, tokens=0)


@dataclass(frozen=True)
class Head:
    """``leaf`` is the prefix hash of all of it, ``snapshot`` its figures; the rest as in ``Opened``."""

    life: str
    version: int
    leaf: str
    snapshot: Snapshot
    lasts_until_s: int
    opening: Opening | None = None
    recent: tuple[Spoken, ...] = ()

    @property
    def length(self) -> int:
        return self.snapshot.messages


def head_of(item: Mapping[str, Any]) -> Head:
    """The stored item as a value."""
    opening = item.get("opening")
    return Head(
        life=item["life"],
        version=item["version"],
        leaf=item["leaf"],
        snapshot=snapshot_of(item),
        lasts_until_s=item["lasts_until"],
        opening=Opening(opening["messages"], opening["preamble"], opening["prefix"]) if opening else None,
        recent=tuple(Spoken.model_validate(one) for one in item.get("recent", ())),
    )


def attributes(head: Head) -> dict[str, Any]:
    """What ``head_of`` reads."""
    opening = head.opening
    return {
        "life": head.life,
        "version": head.version,
        "leaf": head.leaf,
        **figures(head.snapshot),
        "lasts_until": head.lasts_until_s,
        "opening": opening and {"messages": opening.length, "preamble": opening.preamble_hash, "prefix": opening.hash},
        "recent": [one.model_dump() for one in head.recent],
    }


def figures(snapshot: Snapshot) -> dict[str, int]:
    """A snapshot as attributes of an item."""
    return snapshot.model_dump()


def snapshot_of(item: Mapping[str, Any]) -> Snapshot:
    return Snapshot(messages=item["messages"], convo_length=item["convo_length"], tokens=item["tokens"])


def expired(item: Mapping[str, Any], now_ms: int) -> bool:
    """DynamoDB deletes what has expired in its own time; until then it only reads as absent."""
    return bool(item["expires_at"] * 1_000 <= now_ms)


def conflict(item: Mapping[str, Any] | None, now_ms: int) -> Conflict:
    """Why a request may not append to the conversation whose head is ``item``; None when it is gone."""
    version = item["version"] if item else 0
    if item and item.get("erased"):
        told, retry_after_ms = "The conversation is being erased; send its DELETE again to end that", None
    elif item and (left_ms := item.get("claimed_until_ms", 0) - now_ms) > 0:
        told, retry_after_ms = "Another request is appending to the conversation", min(left_ms, LONGEST_RETRY_MS)
    else:
        told, retry_after_ms = "The conversation has changed since this request read it", None
    message = f"{told}; its current version is {version}."
    return Conflict("conversation_conflict", message, param="conversation_id", retry_after_ms=retry_after_ms)
