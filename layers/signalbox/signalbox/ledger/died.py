"""How the entry of a request ends whose process died before it could settle. Pure."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import count

from signalbox.contracts.decisions import Hop
from signalbox.contracts.ledger import AttemptFacts, Entry
from signalbox.contracts.receipts import Receipt


def of_request(entry: Entry, receipts: Sequence[Receipt]) -> tuple[Receipt, ...]:
    """Those of this very request; its idempotency key may have had others before and after it."""
    return tuple(one for one in receipts if one.request_id == entry.request_id)


def died(entry: Entry, receipts: Sequence[Receipt], now_ms: int) -> Entry:
    """Settled by what its adapters left behind.

    A hop before the last receipt's that left none of its own was tried, and nobody knows how it ended: it may have
    been billed, so it is booked at its worst. Of a plan's later steps nobody knows whether they were begun: they are
    booked so too.
    """
    told = of_request(entry, receipts)
    billed = {(one.attempt.model, one.attempt.attempt): one.attempt for one in told}
    answers = {model for model, attempt in billed if not attempt}
    hops = entry.decision.hops if entry.decision else ()
    first = [hop for hop in hops if hop.step == "answer"]
    last = max((place for place, hop in enumerate(first, 1) if hop.model in answers), default=0)
    later = [hop for hop in hops if hop.step != "answer"]
    return entry.model_copy(
        update={
            "state": "settled",
            "attempts": (*unheard([*first[:last], *later], billed.keys(), DIED), *billed.values()),
            "settled_at_ms": now_ms,
            "error": "request_died",
        }
    )


DIED = "how it ended is not known: the request died"


def unheard(hops: Iterable[Hop], told: Collection[tuple[str, str]], why: str) -> list[AttemptFacts]:
    """For each of ``hops`` that ``told`` (model and attempt) has nothing of, an attempt that may have been billed."""
    samples = count(2)
    named = [(hop.model, _attempt(hop, samples)) for hop in hops]
    return [
        AttemptFacts(model=model, attempt=attempt, failure="DeadlineExceeded", message=why, may_be_billed=True)
        for model, attempt in named
        if (model, attempt) not in told
    ]


def _attempt(hop: Hop, samples: Iterator[int]) -> str:
    """What a call of ``hop`` is called."""
    if hop.step == "answer":
        return ""
    return f"sample-{next(samples)}" if hop.step == "sample" else hop.step


def orphaned(entry: Entry) -> Entry:
    """Booked at its worst: nobody knows yet what it cost."""
    return entry.model_copy(
        update={"state": "orphaned", "booked_microusd": entry.reserved_microusd, "error": "request_died"}
    )
