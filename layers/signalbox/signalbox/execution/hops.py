"""Asks one model after the other: the first hop answers; another takes over where that can help (A16, C3)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from signalbox.contracts.adapters import AdapterFailure
from signalbox.contracts.decisions import Decision, Hop
from signalbox.contracts.errors import DeadlinePassed
from signalbox.contracts.requests import InferenceRequest
from signalbox.execution.outcome import Attempt, Outcome, as_error
from signalbox.execution.ports import Clock, Health, Invoker
from signalbox.execution.profile import adapter_request
from signalbox.policy.resolved import Policy

# Another model may do better; the rest are wrong everywhere alike.
WORTH_ANOTHER_HOP = {
    "RateLimited",
    "ProviderUnavailable",
    "MalformedReply",
    "AuthenticationFailed",
    "DeadlineExceeded",
    "ContextOverflow",
}
# Less than this is not worth a call.
LEAST_HOP_MS = 100
# However quick a model has been lately: its adapter may have to start first.
LEAST_RESERVED_MS = 1_000
# A probe ends with its reply.
PROBE_RETRY_AFTER_MS = 1_000


@dataclass(frozen=True)
class Asking:
    """What calling a model takes beside the words. ``receipt`` and ``keep_reply`` are for the adapters."""

    decision: Decision
    policy: Policy
    invoker: Invoker
    clock: Clock
    health: Health
    receipt: str | None = None
    keep_reply: bool = False


def run_hops(
    request: InferenceRequest,
    hops: Sequence[Hop],
    asking: Asking,
    ends_at_ms: int,
    *,
    attempt: str = "",
    logprobs: bool = False,
    left_microusd: int | None = None,
) -> Outcome:
    """Try ``hops`` in order until one replies, the deadline is near or no other hop can help.

    ``ends_at_ms`` is Unix milliseconds. A hop that has another behind it leaves that one its typical latency. An
    overflow is taken to a wider window once. A reply that was paid for and lost on its way counts as a failure like
    others: every hop was reserved, so the next one is paid for too. No hop is tried that might cost more than is left
    of ``left_microusd``. ``attempt`` tells this call of a plan from others.
    """
    decision, clock, health = asking.decision, asking.clock, asking.health
    waiting = list(hops)
    attempts: list[Attempt] = []
    overflowed = False
    while waiting:
        hop = waiting.pop(0)
        if left_microusd is not None and hop.worst_cost_microusd > left_microusd:
            continue
        if share_ms(ends_at_ms - clock.now_ms(), waiting) < LEAST_HOP_MS:
            break
        if not health.enter(hop):
            attempts.append(replace(_skipped(hop), name=attempt))
            continue
        started_ms = clock.now_ms()
        limit_ms = max(1, share_ms(ends_at_ms - started_ms, waiting))  # a probe's place is taken: the call is made
        model = asking.policy.roster[hop.model]
        call = adapter_request(
            request, decision, hop, model, started_ms, limit_ms, receipt=asking.receipt, keep_reply=asking.keep_reply
        )
        if attempt or logprobs:
            call = call.model_copy(update={"attempt": attempt, "logprobs": logprobs})
        result = asking.invoker.invoke(call)
        latency_ms = max(0, clock.now_ms() - started_ms)
        health.report(hop, decision, result, latency_ms)
        attempts.append(Attempt(hop.model, result.reply, result.failure, latency_ms, hop, name=attempt))
        if left_microusd is not None:
            left_microusd -= attempts[-1].most_microusd
        if result.reply is not None:
            return Outcome(result.reply, None, tuple(attempts))
        failure = result.failure
        if failure is None or failure.name not in WORTH_ANOTHER_HOP:
            break
        if failure.name == "ContextOverflow":
            waiting = [] if overflowed else _wider(hop, failure, waiting)
            overflowed = True
    return _failed(decision, attempts)


def _skipped(hop: Hop) -> Attempt:
    message = f"{hop.model} comes back from a cooling time, and another request is trying it."
    failure = AdapterFailure(name="RateLimited", message=message, model=hop.model, retry_after_ms=PROBE_RETRY_AFTER_MS)
    return Attempt(hop.model, None, failure, hop=hop, skipped=True)


def share_ms(left_ms: int, behind: Sequence[Hop]) -> int:
    """Milliseconds for a hop, when ``left_ms`` are left and ``behind`` wait for their turn."""
    reserve = max(behind[0].typical_latency_ms or 0, LEAST_RESERVED_MS) if behind else 0
    return left_ms - reserve if left_ms >= 2 * reserve else left_ms


def _wider(hop: Hop, failure: AdapterFailure, behind: Sequence[Hop]) -> list[Hop]:
    """The hops whose window fits what ``hop`` could not hold; never ``hop`` itself again."""
    need = max(failure.tokens or 0, hop.window_tokens + 1)
    return [other for other in behind if other.window_tokens >= need]


def _failed(decision: Decision, attempts: Sequence[Attempt]) -> Outcome:
    last = attempts[-1].failure if attempts else None
    if last is None:
        model = decision.hops[0].model
        message = f"model_inference_deadline_exceeded at {decision.deadline_ms}ms ({model})"
        return Outcome(None, DeadlinePassed("model_inference_deadline_exceeded", message), tuple(attempts))
    return Outcome(None, as_error(last, decision.deadline_ms), tuple(attempts))
