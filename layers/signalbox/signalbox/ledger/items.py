"""An entry as an item: what people look for as attributes, and the whole of it as JSON beside them. Pure."""

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from signalbox.contracts.ledger import Entry
from signalbox.transport.dynamodb import Item, Value

SHARDS = 8
# An item may have 400 KB in all.
PIECE_BYTES = 380_000


def key(entry: Entry) -> Item:
    return {"caller": entry.caller, "request_id": entry.request_id}


def shards() -> tuple[str, ...]:
    """The partitions of the index of open entries: several, so that none of them is hot."""
    return tuple(f"open#{number}" for number in range(SHARDS))


def attributes(entry: Entry, text_pieces: int = 0) -> dict[str, Value]:
    """Everything but the key; None where there is nothing. Only an open entry is in the index of leases."""
    decision, running = entry.decision, entry.state == "open"
    return {
        "state": entry.state,
        "path": entry.path,
        "key_id": entry.key_id or None,
        "conversation_id": entry.conversation_id,
        "route": decision.route if decision else None,
        "role": decision.role if decision else None,
        "model": entry.attempts[-1].model if entry.attempts else decision.model if decision else None,
        "policy_version": decision.policy_version if decision else None,
        "opened_at_ms": entry.opened_at_ms,
        "settled_at_ms": entry.settled_at_ms,
        "latency_ms": entry.latency_ms,
        "status": entry.status,
        "error": entry.error,
        "reserved_microusd": entry.reserved_microusd,
        "booked_microusd": entry.booked_microusd,
        "text_pieces": text_pieces or None,
        "lease_shard": shards()[zlib.crc32(entry.request_id.encode()) % SHARDS] if running else None,
        "lease_ends_at_ms": entry.lease_ends_at_ms if running else None,
        "entry": entry.model_dump_json(exclude={"prompt", "reply"}, exclude_defaults=True),
    }


def item(entry: Entry, expires_at: int, text_pieces: int = 0) -> Item:
    """``expires_at`` in Unix seconds."""
    found = attributes(entry, text_pieces)
    return {
        **key(entry),
        **{name: value for name, value in found.items() if value is not None},
        "expires_at": expires_at,
    }


def entry_of(found: Mapping[str, Any]) -> Entry:
    """Without its text. Raises ``ValidationError`` for what is no entry."""
    return Entry.model_validate_json(found["entry"])


def text_key(caller: str, request_id: str, number: int) -> Item:
    return {"caller": caller, "request_id": f"{request_id}#text#{number}"}


def text_items(entry: Entry, expires_at: int) -> list[Item]:
    """Prompt and reply, compressed, in items of their own that go away earlier; none without text.

    ``expires_at`` in Unix seconds.
    """
    if entry.prompt is None and entry.reply is None:
        return []
    packed = zlib.compress(json.dumps({"prompt": entry.prompt, "reply": entry.reply}).encode())
    return [
        {
            **text_key(entry.caller, entry.request_id, number),
            "text": packed[start : start + PIECE_BYTES],
            "expires_at": expires_at,
        }
        for number, start in enumerate(range(0, len(packed), PIECE_BYTES))
    ]


def with_text(entry: Entry, pieces: Sequence[Mapping[str, Any]]) -> Entry:
    """``entry`` with the text that its ``pieces`` hold, in their order."""
    packed = b"".join(piece["text"] for piece in pieces)
    return entry.model_copy(update=json.loads(zlib.decompress(packed)))
