"""Entries read, ended and found again: what the router and the reconciler both do with the ledger."""

from collections.abc import Iterator, Sequence
from typing import Any

from signalbox.contracts.ledger import Entry, State
from signalbox.contracts.receipts import Receipt
from signalbox.execution.ports import Clock
from signalbox.ledger import items
from signalbox.ledger.died import died, of_request, orphaned
from signalbox.ledger.writes import Tables, ending
from signalbox.quotas.settled import booked_microusd
from signalbox.transport.dynamodb import DynamoDB, Item, TransactionRefused

LEASES = "leases"  # the index of open entries
# What an entry may be before it becomes so.
_BEFORE: dict[State, tuple[State, ...]] = {"settled": ("open", "orphaned"), "orphaned": ("open",)}


class NoEntry(Exception):
    """There is no such entry, or no longer."""


class Books:
    """Every method raises ``StoreUnavailable``."""

    def __init__(self, dynamodb: DynamoDB, ledger_table: str, counters_table: str, clock: Clock) -> None:
        self._dynamodb, self._clock = dynamodb, clock
        self._tables = Tables(ledger_table, counters_table)

    def get(self, caller: str, request_id: str) -> Entry | None:
        """The caller's own entry with what is left of its text, None when there is none."""
        found = self._item({"caller": caller, "request_id": request_id})
        if found is None or "entry" not in found:
            return None
        entry = items.entry_of(found)
        keys = [items.text_key(caller, request_id, number) for number in range(found.get("text_pieces", 0))]
        pieces = [piece for key in keys if (piece := self._item(key))]
        return items.with_text(entry, pieces) if pieces and len(pieces) == len(keys) else entry

    def settle(self, entry: Entry, text_pieces: int = 0) -> bool:
        """Every hold becomes what was really used. Twice is once; an orphaned one is corrected.

        Whether it was done here, and not before. Raises ``NoEntry``.
        """
        booked = {"state": "settled", "booked_microusd": booked_microusd(entry)}
        return self._end(entry.model_copy(update=booked), text_pieces)

    def orphan(self, entry: Entry, receipts: Sequence[Receipt]) -> State | None:
        """End an entry whose lease is over, by its receipts; without any it is booked at its worst.

        What it became here; None when somebody else had ended it. Raises ``NoEntry``.
        """
        if of_request(entry, receipts):
            return "settled" if self.settle(died(entry, receipts, self._clock.now_ms())) else None
        return "orphaned" if self._end(orphaned(entry)) else None

    def expired(self, now_ms: int, limit: int) -> Iterator[tuple[str, str]]:
        """Caller and request id of open entries whose lease is over, at most ``limit`` of each shard.

        Keys alone, so that an entry that cannot be read stops nobody but itself.
        """
        for shard in items.shards():
            yield from (
                (found["caller"], found["request_id"])
                for found in self._dynamodb.query(
                    self._tables.ledger,
                    "#shard = :shard AND #ends < :now",
                    {":shard": shard, ":now": now_ms},
                    names={"#shard": "lease_shard", "#ends": "lease_ends_at_ms"},
                    index=LEASES,
                    limit=limit,
                )
            )

    def _end(self, entry: Entry, text_pieces: int = 0) -> bool:
        before: State = "open"
        left = tuple(range(len(entry.holds)))  # the holds whose counters are there
        while True:
            try:
                self._dynamodb.transact(ending(before, entry, self._tables, left, text_pieces))
            except TransactionRefused as refused:
                if 0 not in refused.items:
                    left = tuple(hold for place, hold in enumerate(left, 1) if place not in refused.items)
                    continue
                if (found := refused.items[0]) is None:
                    raise NoEntry(entry.request_id) from None
                before = found["state"]
                if before not in _BEFORE[entry.state]:
                    return False
            else:
                return True

    def _item(self, key: Item) -> dict[str, Any] | None:
        """None for one that is past its time, whether or not it is still there."""
        found = self._dynamodb.get(self._tables.ledger, key)
        return found if found and found["expires_at"] > self._clock.now_ms() // 1_000 else None
