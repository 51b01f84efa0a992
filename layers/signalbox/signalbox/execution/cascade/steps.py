"""The steps of a plan. Each takes what is known and gives one more result, or raises why it cannot."""

from concurrent.futures import ThreadPoolExecutor

from signalbox.confidence.estimate import estimate
from signalbox.confidence.evidence import gather
from signalbox.confidence.self_check import read_self_check, self_check_messages
from signalbox.confidence.verdict import verdict
from signalbox.confidence.weights import load_weights
from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.decisions import Hop
from signalbox.contracts.messages import ResponseFormat
from signalbox.contracts.plans import StepResult, Violation
from signalbox.contracts.requests import InferenceRequest, Sampling
from signalbox.execution.cascade.failures import MalformedReply, NobodyToAsk, StepFailed
from signalbox.execution.cascade.prompts import (
    Looked,
    choice,
    read_pick,
    read_verdict,
    verification,
    with_violations,
)
from signalbox.execution.cascade.work import Work, best_reply
from signalbox.execution.owed import violations


def fast_pass(work: Work) -> StepResult:
    """The fast model's reply; where the route pays for it, several at the same time."""
    job, hops = work.job, work.job.decision.hops_for("answer")
    samples = _affordable_samples(work)
    with ThreadPoolExecutor(1 + len(samples)) as pool:
        others = [
            pool.submit(work.ask, [hop], job.request, attempt=f"sample-{number}")
            for number, hop in enumerate(samples, 2)
        ]
        try:
            first = [work.ask(hops, job.request, logprobs=True, behind=_stronger(work))]
        except StepFailed:
            if not any(one.exception() is None for one in others):
                raise
            first = []
        replies = [*first, *(one.result() for one in others if one.exception() is None)]  # fewer to choose from
    return StepResult(
        step="fast_pass",
        attempts=tuple(work.attempts),
        reply=replies[0],
        candidates=tuple(replies) if samples else (),
        resolution="answered",
    )


def _stronger(work: Work) -> tuple[Hop, ...]:
    decision = work.job.decision
    return decision.hops_for("verify") or decision.hops_for("escalate")


def _affordable_samples(work: Work) -> list[Hop]:
    """They run beside the answer, so their money must be there beside its."""
    left = work.left_microusd - sum(hop.worst_cost_microusd for hop in work.job.decision.hops_for("answer"))
    samples = work.job.decision.hops_for("sample")
    return [hop for number, hop in enumerate(samples, 1) if number * hop.worst_cost_microusd <= left]


def judge(work: Work) -> StepResult:
    """How sure one can be of the fast reply, and what follows. Raises ``NobodyToAsk`` without a reply."""
    fast = work.progress.of("fast_pass")
    if fast is None or fast.reply is None:
        raise NobodyToAsk("there is no reply to judge")
    terms, reply = work.job.decision.terms, fast.reply
    broken = _broken(work, reply)
    evidence = gather(
        reply,
        work.job.decision.signals.confidence,
        samples=fast.candidates,
        schema_valid=_valid(broken, "not_json", "field_mismatch") if _owes_form(work) else None,
        citations_valid=_valid(broken, "citations", "missing_reference") if terms.citations else None,
        self_check=_self_check(work, reply),
    )
    confidence = estimate(evidence, load_weights())
    follows, reason = verdict(confidence, terms, reply)
    return StepResult(
        step="judge",
        attempts=tuple(work.attempts),
        verdict=follows,
        evidence=evidence,
        confidence=confidence,
        violations=broken,
        reason=reason,
    )


def verify(work: Work) -> StepResult:
    """The stronger model looks at what the fast one wrote: confirms, corrects or replaces it, or picks and merges."""
    fast = work.progress.of("fast_pass")
    if fast is None or fast.reply is None:
        raise NobodyToAsk("there is no reply to verify")
    drafts = fast.candidates or (fast.reply,)
    if any(one.tool_calls for one in drafts):
        raise NobodyToAsk("nobody can verify a call of tools by its words")
    hops = work.job.decision.hops_for("verify")
    rerank = work.job.plan == "rerank"
    by_schema = all("json_schema" in work.tools.policy.roster[hop.model].features for hop in hops)
    request = work.job.request
    asked = (
        choice(request, drafts, by_schema=by_schema)
        if rerank
        else verification(request, drafts[0], by_schema=by_schema)
    )
    told = work.ask(hops, asked, attempt="verify")
    looked = read_pick(told, len(drafts)) if rerank else read_verdict(told)
    if looked is None:
        raise MalformedReply(f"{told.model} gave no verdict that can be read")
    return StepResult(
        step="verify",
        attempts=tuple(work.attempts),
        reply=_looked_at(looked, told, drafts),
        resolution=looked.resolution,
    )


def escalate(work: Work) -> StepResult:
    """The stronger model answers anew, told of what was wrong with the earlier reply, where that broke a contract."""
    before = best_reply(work.progress)
    broken = _broken(work, before.reply) if before and before.reply else ()
    request = with_violations(work.job.request, broken)
    reply = work.ask(work.job.decision.hops_for("escalate"), request, attempt="escalate")
    return StepResult(step="escalate", attempts=tuple(work.attempts), reply=reply, resolution="escalated")


def integrity(work: Work, ordinal: int) -> StepResult:
    """Whether the reply that stands owes nothing; where it does, the stronger model is asked, once."""
    stands = best_reply(work.progress)
    if stands is None or stands.reply is None:
        raise NobodyToAsk("there is no reply to check")
    broken = _broken(work, stands.reply)
    asked_before = work.progress.of("escalate") is not None
    again = bool(broken) and not asked_before and bool(work.job.decision.hops_for("escalate"))
    return StepResult(step="integrity", ordinal=ordinal, violations=broken, verdict="escalate" if again else "accept")


def _broken(work: Work, reply: AdapterReply) -> tuple[Violation, ...]:
    job = work.job
    return violations(reply, job.request, job.decision.terms, job.passages)


def _owes_form(work: Work) -> bool:
    return work.job.decision.terms.contract is not None or work.job.request.response_format.type != "text"


def _valid(broken: tuple[Violation, ...], *kinds: str) -> bool:
    return not any(one.kind in kinds for one in broken)


def _self_check(work: Work, reply: AdapterReply) -> float | None:
    """That the model stands by its reply; None where nobody asks or nobody answers, which counts against it."""
    hops = [hop for hop in work.job.decision.hops_for("self_check") if hop.model == reply.model]
    if not hops or reply.tool_calls:
        return None
    request = _plain(work.job.request, hops[0].max_output_tokens).model_copy(
        update={"messages": self_check_messages(work.job.request.messages, reply.text)}
    )
    try:
        told = work.ask(hops, request, attempt="self_check", logprobs=True, behind=_stronger(work))
        return read_self_check(told)
    except StepFailed:
        return None


def _plain(request: InferenceRequest, max_output_tokens: int) -> InferenceRequest:
    return request.model_copy(
        update={
            "tools": (),
            "tool_choice": None,
            "parallel_tool_calls": None,
            "sampling": Sampling(),
            "response_format": ResponseFormat(),
            "max_output_tokens": max_output_tokens,
        }
    )


def _looked_at(looked: Looked, told: AdapterReply, drafts: tuple[AdapterReply, ...]) -> AdapterReply:
    """The draft where it stays as it is; else the stronger model's own words."""
    if looked.pick is not None:
        return drafts[looked.pick]
    if looked.text is None:
        return drafts[0]
    return told.model_copy(update={"text": looked.text})
