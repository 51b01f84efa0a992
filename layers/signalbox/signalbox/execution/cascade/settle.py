"""Ends a plan: its conclusion kept, its money settled, everything on record. Twice is once."""

from collections.abc import Sequence

from signalbox.contracts.ledger import Entry, StepFacts
from signalbox.contracts.plans import Conclusion, Progress, StepResult
from signalbox.contracts.receipts import Receipt
from signalbox.execution.cascade.conclude import conclude
from signalbox.execution.cascade.work import lost_hops
from signalbox.execution.entries import told_by
from signalbox.execution.ports import Clock, Ledger, Receipts, Replies
from signalbox.ledger.died import unheard
from signalbox.quotas.settled import booked_microusd

LOST = "how it ended is not known: the step died"


def end(
    progress: Progress,
    replies: Replies,
    ledger: Ledger,
    receipts: Receipts,
    clock: Clock,
    *,
    interrupted: str | None = None,
) -> Conclusion:
    """The conclusion that stands, which is the first that anybody came to. Raises ``StoreUnavailable``."""
    request, now_ms = progress.job.request, clock.now_ms()
    conclusion = progress.conclusion or conclude(progress, now_ms, interrupted=interrupted)
    stands = replies.conclude(request.caller, request.request_id, conclusion)
    entry = ledger.get(request.caller, request.request_id)
    if entry is not None and entry.state != "settled":
        entry = settled(entry, progress, stands, now_ms)
        left = [one for one in receipts.find(progress.job.receipt) if one.request_id == request.request_id]
        entry = told_by(_with_lost(entry, progress, left), left)
        ledger.settle(entry.model_copy(update={"booked_microusd": booked_microusd(entry)}))
    return stands


def settled(entry: Entry, progress: Progress, conclusion: Conclusion, now_ms: int) -> Entry:
    """``entry`` as the plan ended."""
    failure, reply = conclusion.failure, conclusion.reply
    keeps = progress.job.prompt
    return entry.model_copy(
        update={
            "state": "settled",
            "attempts": tuple(one for result in progress.results for one in result.attempts),
            "steps": tuple(map(step_facts, progress.results)),
            "resolution": conclusion.resolution,
            "confidence": conclusion.confidence.value if conclusion.confidence else None,
            "status": failure.status if failure else 200,
            "error": failure.code if failure else None,
            "settled_at_ms": now_ms,
            "latency_ms": max(0, now_ms - entry.opened_at_ms),
            "prompt": keeps,
            "reply": reply.model_dump_json() if keeps is not None and reply else None,
        }
    )


def _with_lost(entry: Entry, progress: Progress, left: Sequence[Receipt]) -> Entry:
    """With the attempts of steps that somebody began and did not live to record.

    Receipts tell of those that a model answered. Of the others nobody knows whether they were billed, so they count
    at their worst.
    """
    known = {(one.model, one.attempt) for one in entry.attempts}
    billed = [one.attempt for one in left if (one.attempt.model, one.attempt.attempt) not in known]
    told = {(one.model, one.attempt) for one in billed}
    unknown = unheard(lost_hops(progress), told, LOST)
    return entry.model_copy(update={"attempts": (*entry.attempts, *billed, *unknown)})


def step_facts(result: StepResult) -> StepFacts:
    return StepFacts(
        step=result.step,
        ordinal=result.ordinal,
        at_ms=result.at_ms,
        verdict=result.verdict,
        resolution=result.resolution,
        confidence=result.confidence.value if result.confidence else None,
        evidence=result.evidence,
        violations=tuple(one.kind for one in result.violations),  # a path may hold names that the model made up
        error=result.error,
        spent_microusd=result.spent_microusd,
    )
