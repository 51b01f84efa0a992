"""Carries one step out: at most once, whatever is repeated, and on record whatever comes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from signalbox.contracts.plans import Progress, Step, StepResult
from signalbox.execution.cascade import steps
from signalbox.execution.cascade.failures import Concluded, JobUnknown, StateUnavailable, StepFailed, StepLost, named
from signalbox.execution.cascade.work import Tools, Work
from signalbox.execution.ports import Replies
from signalbox.transport.dynamodb import StoreUnavailable

PAUSE_S = 0.5
_BUYS: dict[Step, Callable[[Work], StepResult]] = {
    "fast_pass": steps.fast_pass,
    "judge": steps.judge,
    "verify": steps.verify,
    "escalate": steps.escalate,
}


@dataclass(frozen=True)
class Named:
    """Which step of whose plan."""

    caller: str
    request_id: str
    step: Step
    ordinal: int = 1


def carry(one: Named, replies: Replies, tools: Tools) -> StepResult:
    """What the step came to, now or before. Raises ``StepFailed``, the same one again where it failed before."""
    try:
        return _carry(one, replies, tools)
    except StoreUnavailable as error:
        raise StateUnavailable(str(error)) from None


def _carry(one: Named, replies: Replies, tools: Tools) -> StepResult:
    progress = replies.progress(one.caller, one.request_id)
    if progress is None:
        raise JobUnknown("there is no such job")
    if (known := progress.of(one.step, one.ordinal)) is not None:
        return _given(known)
    if progress.conclusion is not None:
        raise Concluded("the plan has ended, and its money is settled")
    if one.step in _BUYS and not replies.begin(one.caller, one.request_id, f"{one.step}-{one.ordinal}"):
        if (known := _awaited(one, progress, replies, tools)) is not None:
            return _given(known)
        raise StepLost(f"{one.step} was begun before, and nothing is known of its end")
    return _given(_recorded(one, replies, _done(one, progress, tools)))


def _awaited(one: Named, progress: Progress, replies: Replies, tools: Tools) -> StepResult | None:
    """What whoever began it came to: the same execution may run twice, and one of the two is at it still."""
    while True:
        again = replies.progress(one.caller, one.request_id)
        if again is None or (known := again.of(one.step, one.ordinal)) is not None:
            return known if again else None
        if again.conclusion is not None or tools.clock.now_ms() >= progress.job.deadline_at_ms:
            return None
        tools.sleep_s(PAUSE_S)


def _recorded(one: Named, replies: Replies, done: StepResult) -> StepResult:
    """What was paid for is worth a second try."""
    try:
        return replies.record(one.caller, one.request_id, done)
    except StoreUnavailable:
        return replies.record(one.caller, one.request_id, done)


def _done(one: Named, progress: Progress, tools: Tools) -> StepResult:
    work = Work(progress, tools, one.step)
    try:
        done = _BUYS[one.step](work) if one.step in _BUYS else steps.integrity(work, one.ordinal)
    except StepFailed as failed:
        done = StepResult(
            step=one.step,
            ordinal=one.ordinal,
            attempts=tuple(work.attempts),
            error=type(failed).__name__,
            reason=str(failed),
        )
    return done.model_copy(update={"at_ms": tools.clock.now_ms()})


def _given(result: StepResult) -> StepResult:
    if result.error is not None:
        raise named(result.error, result.reason or result.error)
    return result


def told(result: StepResult) -> dict[str, Any]:
    """What the state machine goes by: no words of anybody's."""
    match result.step:
        case "judge":
            value = result.confidence.value if result.confidence else 0.0
            return {"verdict": result.verdict, "confidence": round(value, 4)}
        case "integrity":
            following = "escalate" if result.verdict == "escalate" else "settle"
            return {"intact": not result.violations, "next": following}
        case _:
            return {"step": result.step, "replied": True, "resolution": result.resolution}
