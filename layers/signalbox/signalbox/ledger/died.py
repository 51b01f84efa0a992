"""How the entry of a request ends whose process died before it could settle. Pure."""

from collections.abc import Sequence

from signalbox.contracts.ledger import Entry
from signalbox.contracts.receipts import Receipt


def of_request(entry: Entry, receipts: Sequence[Receipt]) -> tuple[Receipt, ...]:
    """Those of this very request; its idempotency key may have had others before and after it."""
    return tuple(one for one in receipts if one.request_id == entry.request_id)


def died(entry: Entry, receipts: Sequence[Receipt], now_ms: int) -> Entry:
    """Settled by what its adapters left behind."""
    return entry.model_copy(
        update={
            "state": "settled",
            "attempts": tuple(one.attempt for one in of_request(entry, receipts)),
            "settled_at_ms": now_ms,
            "error": "request_died",
        }
    )


def orphaned(entry: Entry) -> Entry:
    """Booked at its worst: nobody knows yet what it cost."""
    return entry.model_copy(
        update={"state": "orphaned", "booked_microusd": entry.reserved_microusd, "error": "request_died"}
    )
