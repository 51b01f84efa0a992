"""The writes of a ledger entry's transactions. Pure.

Every counter has ``committed``, ``spent`` and ``reserved``, and at all times committed = spent + reserved.
Opening an entry reserves its holds, as long as committed stays within the limit; ending it moves them from what
they were booked at to what they are booked at now. The entry's own state guards both: each happens once, and a
counter is never touched by an entry without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from signalbox.contracts.ledger import Entry, State
from signalbox.contracts.quotas import Hold
from signalbox.ledger import items
from signalbox.quotas.settled import settled, worst
from signalbox.transport.dynamodb import Value, Write

DAY_S = 86_400
# Long past the end of every request that may still have to give something back.
RATE_KEEP_S = DAY_S
PLACES_KEEP_S = 7 * DAY_S


@dataclass(frozen=True)
class Tables:
    ledger: str
    counters: str


def opening(entry: Entry, tables: Tables, expires_at: int, keep_s: int) -> list[Write]:
    """The entry, then a write for each hold. ``expires_at`` of the entry, Unix seconds; ``keep_s`` of money."""
    put = Write(
        "Put",
        tables.ledger,
        items.item(entry, expires_at),
        condition="attribute_not_exists(#request_id)",
        names={"#request_id": "request_id"},
    )
    return [put, *(_taking(hold, tables.counters, _counter_expires_at(hold, entry, keep_s)) for hold in entry.holds)]


def ending(before: State, entry: Entry, tables: Tables, held: Sequence[int], text_pieces: int = 0) -> list[Write]:
    """The entry as it ends, then a write for each hold that is in ``held``, by its place in ``entry.holds``."""
    was, becomes = _booked(before, entry), _booked(entry.state, entry)
    return [
        _ended(before, entry, tables.ledger, text_pieces),
        *(_moving(entry.holds[place], was[place], becomes[place], tables.counters) for place in held),
    ]


@dataclass(frozen=True)
class Booked:
    """What a counter has of one entry."""

    spent: int
    reserved: int


def _booked(state: State, entry: Entry) -> tuple[Booked, ...]:
    """What the counters of ``entry.holds`` have of it, were it in ``state``."""
    match state:
        case "open":
            return tuple(Booked(0, hold.amount) for hold in entry.holds)
        case "orphaned":
            return tuple(Booked(worst(hold), 0) for hold in entry.holds)
        case "settled":
            return tuple(Booked(used, 0) for used in settled(entry))


def _taking(hold: Hold, table: str, expires_at: int) -> Write:
    # What is more than the whole limit has no room in a new counter either.
    fresh = "attribute_not_exists(#committed) OR " if hold.amount <= hold.limit else ""
    return Write(
        "Update",
        table,
        counter_key(hold),
        update="ADD #committed :amount, #reserved :amount, #spent :none SET #expires_at = :expires_at",
        condition=f"{fresh}#committed <= :room",
        names={
            "#committed": "committed",
            "#reserved": "reserved",
            "#spent": "spent",
            "#expires_at": "expires_at",
        },
        values={
            ":amount": hold.amount,
            ":none": 0,
            ":room": hold.limit - hold.amount,
            ":expires_at": expires_at,
        },
    )


def _moving(hold: Hold, was: Booked, becomes: Booked, table: str) -> Write:
    spent, reserved = becomes.spent - was.spent, becomes.reserved - was.reserved
    return Write(
        "Update",
        table,
        counter_key(hold),
        update="ADD #committed :committed, #reserved :reserved, #spent :spent",
        # A counter that was thrown away with its window must not come back below zero.
        condition="attribute_exists(#committed)",
        names={"#committed": "committed", "#reserved": "reserved", "#spent": "spent"},
        values={":committed": spent + reserved, ":reserved": reserved, ":spent": spent},
    )


def _ended(before: State, entry: Entry, table: str, text_pieces: int) -> Write:
    found = items.attributes(entry, text_pieces)
    values: dict[str, Value] = {f":{name}": value for name, value in found.items() if value is not None}
    sets = ", ".join(f"#{name} = :{name}" for name in found if f":{name}" in values)
    removes = ", ".join(f"#{name}" for name in found if f":{name}" not in values)
    return Write(
        "Update",
        table,
        items.key(entry),
        update=f"SET {sets} REMOVE {removes}",
        condition="#state = :before",
        names={f"#{name}": name for name in found},
        values={**values, ":before": before},
    )


def counter_key(hold: Hold) -> dict[str, str]:
    return {"counter": hold.counter, "window": hold.window}


def _counter_expires_at(hold: Hold, entry: Entry, keep_s: int) -> int:
    """Unix seconds. In flight it is put off by every request."""
    if hold.resets_at_ms is None:
        return entry.opened_at_ms // 1_000 + PLACES_KEEP_S
    return hold.resets_at_ms // 1_000 + (max(keep_s, RATE_KEEP_S) if hold.measure == "microusd" else RATE_KEEP_S)
