"""The ledger in DynamoDB: an entry and everything it holds are written in one transaction, or not at all."""

from collections.abc import Mapping
from typing import Any

from signalbox.contracts.ledger import Entry
from signalbox.contracts.quotas import Hold
from signalbox.execution.ports import Clock
from signalbox.ledger import items
from signalbox.ledger.books import Books, NoEntry
from signalbox.ledger.writes import Tables, counter_key, opening
from signalbox.quotas.standing import QuotaExceeded, Standing
from signalbox.transport.dynamodb import ConditionFailed, DynamoDB, StoreUnavailable, TransactionRefused

_TOLD = ("requests", "tokens")  # measures whose standing a caller is told


class DynamoLedger:
    """``Ledger`` over two tables. ``keep_s`` of entries and of spending, ``text_keep_s`` of prompts and replies."""

    def __init__(
        self,
        dynamodb: DynamoDB,
        ledger_table: str,
        counters_table: str,
        keep_s: int,
        text_keep_s: int,
        clock: Clock,
    ) -> None:
        self._dynamodb, self._tables = dynamodb, Tables(ledger_table, counters_table)
        self._keep_s, self._text_keep_s = keep_s, text_keep_s
        self.books = Books(dynamodb, ledger_table, counters_table, clock)

    def open(self, entry: Entry) -> tuple[Standing, ...]:
        told = [hold for hold in entry.holds if hold.measure in _TOLD]
        before = self._committed(told)
        try:
            self._dynamodb.transact(opening(entry, self._tables, self._expires_at(entry, self._keep_s), self._keep_s))
        except TransactionRefused as refused:
            if 0 not in refused.items:
                raise QuotaExceeded(_without_room(entry, refused.items)) from None
            if not _is(entry, refused.items[0]):
                raise StoreUnavailable("another entry has this request id") from None
        return tuple(Standing(hold, before.get((hold.counter, hold.window), 0) + hold.amount) for hold in told)

    def settle(self, entry: Entry) -> None:
        pieces = self._keep_text(entry)
        try:
            self.books.settle(entry, pieces)
        except NoEntry:
            self._put(entry, pieces)  # it was kept for its time and thrown away; so were its counters' windows

    def record(self, entry: Entry) -> None:
        self._put(entry, self._keep_text(entry))

    def get(self, caller: str, request_id: str) -> Entry | None:
        return self.books.get(caller, request_id)

    def _put(self, entry: Entry, text_pieces: int) -> None:
        item = items.item(entry, self._expires_at(entry, self._keep_s), text_pieces)
        condition, names = "attribute_not_exists(#request_id)", {"#request_id": "request_id"}
        try:
            self._dynamodb.put(self._tables.ledger, item, condition=condition, names=names)
        except ConditionFailed:
            return  # on record already

    def _keep_text(self, entry: Entry) -> int:
        """Before the entry that counts the pieces; they say the same however often they are put."""
        pieces = items.text_items(entry, self._expires_at(entry, min(self._keep_s, self._text_keep_s)))
        for piece in pieces:
            self._dynamodb.put(self._tables.ledger, piece)
        return len(pieces)

    def _committed(self, holds: list[Hold]) -> dict[tuple[str, str], int]:
        """What is taken of each, by counter and window."""
        if not holds:
            return {}
        found = self._dynamodb.batch_get(self._tables.counters, [counter_key(hold) for hold in holds])
        return {(one["counter"], one["window"]): one["committed"] for one in found}

    def _expires_at(self, entry: Entry, keep_s: int) -> int:
        return entry.opened_at_ms // 1_000 + keep_s


def _without_room(entry: Entry, refused: Mapping[int, dict[str, Any] | None]) -> tuple[Standing, ...]:
    """Where the holds stand whose writes, after the entry's own, were ``refused``."""
    return tuple(
        Standing(entry.holds[index - 1], (counter or {}).get("committed", 0))
        for index, counter in sorted(refused.items())
    )


def _is(entry: Entry, found: Mapping[str, Any] | None) -> bool:
    """Whether what is on record is this very entry, just opened: it worked, and the answer was lost."""
    return found is not None and items.entry_of(found) == entry
