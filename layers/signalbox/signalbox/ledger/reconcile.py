"""Ends what requests left open when their process died."""

from collections.abc import Callable
from dataclasses import dataclass

from signalbox.contracts.ledger import State
from signalbox.execution.ports import Receipts
from signalbox.ledger.books import Books

# Of each shard in one run. One entry takes some 30 ms.
MOST_A_SHARD = 100


@dataclass
class Reconciled:
    """How many entries were settled by receipts, booked at their worst, and failed; ``unfinished``: time was up."""

    recovered: int = 0
    orphaned: int = 0
    failed: int = 0
    unfinished: bool = False


def reconcile(
    books: Books,
    receipts: Receipts,
    now_ms: int,
    in_time: Callable[[], bool],
    failed: Callable[[str, Exception], None],
) -> Reconciled:
    """Every entry whose lease ended before ``now_ms``, as long as ``in_time``. One that fails stops no other.

    Raises ``StoreUnavailable`` where not even they can be found.
    """
    done = Reconciled()
    for caller, request_id in books.expired(now_ms, MOST_A_SHARD):
        if not in_time():
            done.unfinished = True
            break
        try:
            ended = _end(books, receipts, caller, request_id)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are not to wait for it
            failed(request_id, error)
            done.failed += 1
        else:
            done.recovered += ended == "settled"
            done.orphaned += ended == "orphaned"
    return done


def _end(books: Books, receipts: Receipts, caller: str, request_id: str) -> State | None:
    """What it became here; None when it had ended already, which the index had yet to hear."""
    entry = books.get(caller, request_id)
    if entry is None or entry.state != "open":
        return None
    return books.orphan(entry, receipts.find(entry.receipt) if entry.receipt else ())
