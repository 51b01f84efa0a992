"""How the entry of a request ends whose process died before it could settle. Pure."""

from collections.abc import Sequence

from signalbox.contracts.ledger import AttemptFacts, Entry
from signalbox.contracts.receipts import Receipt


def of_request(entry: Entry, receipts: Sequence[Receipt]) -> tuple[Receipt, ...]:
    """Those of this very request; its idempotency key may have had others before and after it."""
    return tuple(one for one in receipts if one.request_id == entry.request_id)


def died(entry: Entry, receipts: Sequence[Receipt], now_ms: int) -> Entry:
    """Settled by what its adapters left behind.

    A hop before the last receipt's that left none of its own was tried, and nobody knows how it ended: it may have
    been billed, so it is booked at its worst.
    """
    told = of_request(entry, receipts)
    billed = {(one.attempt.model, one.attempt.attempt): one.attempt for one in told}
    answers = {model for model, attempt in billed if not attempt}
    hops = [hop.model for hop in entry.decision.hops_for("answer")] if entry.decision else []
    last = max((hops.index(model) for model in answers if model in hops), default=-1)
    before = {model: _unknown(model) for model in hops[: last + 1] if model not in answers}
    return entry.model_copy(
        update={
            "state": "settled",
            "attempts": (*before.values(), *billed.values()),
            "settled_at_ms": now_ms,
            "error": "request_died",
        }
    )


def _unknown(model: str) -> AttemptFacts:
    told = "how it ended is not known: the request died"
    return AttemptFacts(model=model, failure="DeadlineExceeded", message=told, may_be_billed=True)


def orphaned(entry: Entry) -> Entry:
    """Booked at its worst: nobody knows yet what it cost."""
    return entry.model_copy(
        update={"state": "orphaned", "booked_microusd": entry.reserved_microusd, "error": "request_died"}
    )
