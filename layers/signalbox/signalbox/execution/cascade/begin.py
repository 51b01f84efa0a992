"""The router's part of a plan: the job kept, the machine started, and its end taken, whatever became of it."""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from time import sleep
from typing import Any, Literal

from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.ledger import AttemptFacts, Entry
from signalbox.contracts.passages import Passage
from signalbox.contracts.plans import Job, Progress, ReplyHead, Start, Step, StepResult
from signalbox.contracts.requests import InferenceRequest
from signalbox.execution.cascade.carry import Named, carry
from signalbox.execution.cascade.conclude import conclude
from signalbox.execution.cascade.failures import StepFailed
from signalbox.execution.cascade.settle import end
from signalbox.execution.cascade.work import Tools
from signalbox.execution.services import Services
from signalbox.replies.waiting import awaited

At = Literal["fast_pass", "judge", "verify", "escalate"]
# For the machine's own steps beyond the last model: checking, settling, and the way back.
MARGIN_MS = 800
# For a machine whose tables are slow to take its end.
SETTLES_WITHIN_MS = 60_000


def make_job(
    request: InferenceRequest,
    entry: Entry,
    passages: Sequence[Passage],
    deadline_at_ms: int,
    *,
    prompt: str | None,
) -> Job:
    """``request`` has the whole conversation. Raises ``ValueError`` for an entry without a decision."""
    decision = entry.decision
    if decision is None or entry.receipt is None:
        raise ValueError("nothing was decided")
    worst = sum(hop.worst_cost_microusd for hop in decision.hops)
    ceiling = decision.terms.ceiling_microusd
    return Job(
        request=request,
        decision=decision,
        arrived_at_ms=entry.opened_at_ms,
        deadline_at_ms=deadline_at_ms,
        ceiling_microusd=worst if ceiling is None else min(worst, ceiling),
        passages=tuple(passages),
        receipt=entry.receipt,
        prompt=prompt,
    )


def run(job: Job, services: Services) -> Progress:
    """Have the machine carry the plan of a kept job out, and wait; with its conclusion. Raises ``StoreUnavailable``.

    A machine that failed, was lost or never ran leaves what its steps have put on record: the best of that is the
    end then.
    """
    ran = services.machine.run(start_of(job, "fast_pass"), max(1, _left_ms(job, services)))
    request = job.request
    if ran.status == "unreachable":
        _by_hand(job, services)
    elif ran.status == "unknown":
        # It may be at it still, and settles what it has bought; nobody else may end it before its time.
        read = partial(services.replies.head, request.caller, request.request_id)
        awaited(read, max(0, _left_ms(job, services)), services.clock, sleep)
    progress = services.replies.progress(request.caller, request.request_id) or Progress(job=job)
    if progress.conclusion is not None:
        return progress
    why = f"the state machine ended: {ran.status}" + (f" ({ran.error})" if ran.error else "")
    return _ended(progress, services, why)


def keep(job: Job, services: Services) -> None:
    """Keep it where its steps find it. Raises ``StoreUnavailable`` while nothing is bought."""
    services.replies.put(job, head_of(job))


def _left_ms(job: Job, services: Services) -> int:
    return job.deadline_at_ms + MARGIN_MS - services.clock.now_ms()


def _by_hand(job: Job, services: Services) -> None:
    """The shortest way to a reply, where no machine will go any: the fast model, else the stronger one."""
    caller, request_id = job.request.caller, job.request.request_id
    tools = Tools(services.policy, services.invoker, services.clock, services.health)
    ways: tuple[Step, ...] = ("fast_pass", "escalate")
    for step in ways:
        with suppress(StepFailed):
            carry(Named(caller, request_id, step), services.replies, tools)
        progress = services.replies.progress(caller, request_id)
        if progress is not None and conclude(progress, services.clock.now_ms()).reply is not None:
            return


def fast_step(reply: AdapterReply, attempts: Sequence[AttemptFacts], services: Services) -> StepResult:
    """The fast pass, done by the router itself."""
    return StepResult(
        step="fast_pass", attempts=tuple(attempts), reply=reply, resolution="answered", at_ms=services.clock.now_ms()
    )


def verify_later(job: Job, fast: StepResult, facts: dict[str, Any], services: Services) -> bool:
    """Have the machine look at what the caller gets now; whether it will. ``facts`` are the preliminary reply's.

    Raises ``StoreUnavailable`` while nothing is started.
    """
    request = job.request
    services.replies.put(job, head_of(job, facts))
    services.replies.begin(request.caller, request.request_id, "fast_pass-1")
    services.replies.record(request.caller, request.request_id, fast)
    return services.machine.start(start_of(job, "judge"))


def give_up(job: Job, services: Services, why: str) -> Progress:
    """Nobody will verify it: the end now. Raises ``StoreUnavailable``."""
    request = job.request
    return _ended(services.replies.progress(request.caller, request.request_id) or Progress(job=job), services, why)


def _ended(progress: Progress, services: Services, why: str) -> Progress:
    replies, ledger, receipts, clock = services.replies, services.ledger, services.receipts, services.clock
    return progress.model_copy(update={"conclusion": end(progress, replies, ledger, receipts, clock, interrupted=why)})


def start_of(job: Job, at: At) -> Start:
    return Start(
        caller=job.request.caller,
        request_id=job.request.request_id,
        plan=job.plan,
        at=at,
        deadline_at_ms=job.deadline_at_ms,
        ceiling_microusd=job.ceiling_microusd,
    )


def head_of(job: Job, facts: dict[str, Any] | None = None) -> ReplyHead:
    return ReplyHead(
        caller=job.request.caller,
        request_id=job.request.request_id,
        plan=job.plan,
        created_at_ms=job.arrived_at_ms,
        ends_at_ms=job.deadline_at_ms + SETTLES_WITHIN_MS,
        conversation_id=job.request.conversation_id,
        facts=facts or {},
    )
