"""How a plan ended, from what its steps came to: the best reply that may lawfully be given, or why there is none. Pure.

- What a reply owes (its form, its citations) is checked here once more, whatever was on record.
- A pinned plan gives no reply of another model's.
- Where the policy demands verification, only a reply that the stronger model gave or confirmed is final.
- Else a reply that nobody could verify is better than none, and says so.
"""

from signalbox.contracts.adapters import AdapterFailure, AdapterReply
from signalbox.contracts.plans import Conclusion, Failure, Progress, Resolution, StepResult, Violation
from signalbox.execution.outcome import as_error
from signalbox.execution.owed import violations

# A stronger model gave it, or has looked at it.
_VERIFIED: frozenset[Resolution] = frozenset(["confirmed", "corrected", "replaced", "escalated", "picked", "merged"])


def conclude(progress: Progress, now_ms: int, *, interrupted: str | None = None) -> Conclusion:
    """``interrupted``: the error that ended the plan before its time."""
    judged = progress.of("judge")
    confidence = judged.confidence if judged else None
    cost_microusd = progress.spent_microusd
    broken: tuple[Violation, ...] = ()
    why = _why(progress, interrupted)
    job = progress.job
    for result in reversed(progress.results):
        if result.reply is None or not _within_pin(progress, result.reply):
            continue
        if result.step == "fast_pass" and _was_found_wrong(progress):
            continue
        if found := violations(result.reply, job.request, job.decision.terms, job.passages):
            broken = broken or found
            continue
        resolution = _resolution(result, judged)
        if resolution not in _VERIFIED and progress.job.decision.terms.must_verify:
            continue
        return Conclusion(
            reply=result.reply,
            resolution=resolution,
            reason=why if resolution == "unverified" else _judgement(judged, resolution),
            confidence=confidence,
            violations=broken,
            cost_microusd=cost_microusd,
            concluded_at_ms=now_ms,
        )
    return Conclusion(
        failure=_failure(progress, broken, why),
        reason=why,
        confidence=confidence,
        violations=broken,
        cost_microusd=cost_microusd,
        concluded_at_ms=now_ms,
    )


def _was_found_wrong(progress: Progress) -> bool:
    """The stronger model has looked at the fast reply, and would not let it stand."""
    looked = progress.of("verify")
    return looked is not None and looked.resolution in ("corrected", "replaced", "merged")


def _within_pin(progress: Progress, reply: AdapterReply) -> bool:
    decision = progress.job.decision
    return not decision.pinned or reply.model == decision.model


def _resolution(result: StepResult, judged: StepResult | None) -> Resolution:
    if result.step == "fast_pass":
        accepted = judged is not None and judged.verdict == "accept"
        return "accepted" if accepted else "unverified"
    return result.resolution or "unverified"


def _judgement(judged: StepResult | None, resolution: Resolution) -> str | None:
    return judged.reason if judged and resolution in ("accepted", "escalated") else None


def _of_the_model(result: StepResult) -> AdapterFailure | None:
    """What the last model that was asked failed with, where that is what stopped the step."""
    attempt = result.attempts[-1] if result.attempts else None
    if attempt is None or attempt.failure is None or attempt.failure != result.error:
        return None
    return AdapterFailure(name=attempt.failure, message=attempt.message or attempt.failure, model=attempt.model)


def _last_failed(progress: Progress) -> StepResult | None:
    """The last step that could not be done; one that had nothing to work on says less than what left it nothing."""
    failed = [one for one in progress.results if one.error]
    return next((one for one in reversed(failed) if one.error != "NobodyToAsk"), failed[-1] if failed else None)


def _why(progress: Progress, interrupted: str | None) -> str:
    """Why the stronger model had no say, by the last thing that went wrong."""
    failed = _last_failed(progress)
    if failed is not None:
        return f"{failed.step}: {failed.error}" + (f" ({failed.reason})" if failed.reason else "")
    return interrupted or "the plan ended before a stronger model was asked"


def _failure(progress: Progress, broken: tuple[Violation, ...], why: str) -> Failure:
    if broken:
        told = "; ".join(one.message for one in broken)
        message = f"No reply meets what it owes. {told}."
        return Failure(status=422, code="contract_broken", message=message)
    if progress.job.decision.terms.must_verify and any(one.reply for one in progress.results):
        message = f"The policy demands verification, and nobody could verify the reply. {why}."
        return Failure(status=503, code="not_verified", message=message, retry_after_ms=1_000)
    last = _last_failed(progress)
    if last is not None and last.error == "OutOfTime":
        limit_ms = progress.job.decision.deadline_ms
        message = f"model_inference_deadline_exceeded at {limit_ms}ms. {why}."
        return Failure(status=504, code="model_inference_deadline_exceeded", message=message)
    if last is not None and last.error == "CostCeilingReached":
        return Failure(status=422, code="cost_limit_exceeded", message=f"The plan's price limit is reached. {why}.")
    if last is not None and (failure := _of_the_model(last)):
        error = as_error(failure, progress.job.decision.deadline_ms)
        return Failure(
            status=error.status,
            code=error.code,
            message=error.message,
            param=error.param,
            retry_after_ms=error.retry_after_ms,
        )
    return Failure(status=503, code="no_reply", message=f"No model gave a reply. {why}.", retry_after_ms=1_000)
