"""The plan ``single``: a model answers; a reply that breaks what it owes goes to the next one, once (B6)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from signalbox.confidence.estimate import estimate
from signalbox.confidence.evidence import gather
from signalbox.confidence.weights import load_weights
from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.decisions import Hop
from signalbox.contracts.evidence import Confidence
from signalbox.contracts.passages import Passage
from signalbox.contracts.plans import Violation
from signalbox.contracts.requests import InferenceRequest
from signalbox.execution.cascade.prompts import with_violations
from signalbox.execution.hops import Asking, run_hops, share_ms
from signalbox.execution.outcome import Outcome, contract_broken
from signalbox.execution.owed import violations


@dataclass(frozen=True)
class Question:
    """``request`` has the whole conversation, the passages in it. ``ends_at_ms`` is Unix milliseconds."""

    request: InferenceRequest
    passages: tuple[Passage, ...]
    asking: Asking
    ends_at_ms: int
    logprobs: bool = False

    def left_microusd(self, outcome: Outcome) -> int | None:
        """Of the plan's ceiling after ``outcome``; None without one."""
        ceiling = self.asking.decision.terms.ceiling_microusd
        return None if ceiling is None else ceiling - sum(one.most_microusd for one in outcome.attempts)

    def owed(self, reply: AdapterReply) -> tuple[Violation, ...]:
        """What ``reply`` breaks."""
        return violations(reply, self.request, self.asking.decision.terms, self.passages)


def answer(question: Question) -> Outcome:
    """A reply that pays what it owes, or why there is none."""
    outcome = first_answer(question)
    if outcome.reply is None:
        return outcome
    broken = question.owed(outcome.reply)
    if not broken:
        return replace(outcome, confidence=confidence_of(question, outcome.reply, broken))
    again = _again(question, outcome, broken)
    if again.reply is None:
        return replace(again, error=contract_broken(broken), violations=broken)
    if left := question.owed(again.reply):
        return replace(again, reply=None, error=contract_broken(left), violations=left)
    sure = confidence_of(question, again.reply, ())
    return replace(again, resolution="escalated", confidence=sure, violations=broken)


def first_answer(question: Question) -> Outcome:
    """Of the first hop that replies. Whoever is stronger needs time too, should none of them."""
    decision, now_ms = question.asking.decision, question.asking.clock.now_ms()
    ends_at_ms = now_ms + share_ms(question.ends_at_ms - now_ms, decision.hops_for("escalate"))
    hops = decision.hops_for("answer")
    return run_hops(
        question.request,
        hops,
        question.asking,
        ends_at_ms,
        logprobs=question.logprobs,
        left_microusd=decision.terms.ceiling_microusd,
    )


def escalated(question: Question, before: Outcome) -> Outcome:
    """The stronger model in place of a fast one that gave no reply; ``before`` where there is none either."""
    hops = question.asking.decision.hops_for("escalate")
    if not hops:
        return before
    told = run_hops(
        question.request,
        hops,
        question.asking,
        question.ends_at_ms,
        attempt="escalate",
        left_microusd=question.left_microusd(before),
    )
    attempts = (*before.attempts, *told.attempts)
    if told.reply is not None and (broken := question.owed(told.reply)):
        return Outcome(None, contract_broken(broken), attempts, violations=broken)
    return replace(told, attempts=attempts, resolution="escalated")


def confidence_of(question: Question, reply: AdapterReply, broken: Sequence[Violation]) -> Confidence:
    """How sure one can be of ``reply`` by what came with it."""
    terms = question.asking.decision.terms
    owes_form = terms.contract is not None or question.request.response_format.type != "text"
    evidence = gather(
        reply,
        question.asking.decision.signals.confidence,
        schema_valid=not broken if owes_form else None,
        citations_valid=not broken if terms.citations else None,
    )
    return estimate(evidence, load_weights())


def _again(question: Question, outcome: Outcome, broken: tuple[Violation, ...]) -> Outcome:
    """The next model, told of what was wrong: the stronger one, else whoever stands behind the one that answered."""
    decision = question.asking.decision
    hops: tuple[Hop, ...] = decision.hops_for("escalate")
    attempt = "escalate" if hops else ""
    if not hops:
        tried = {one.model for one in outcome.attempts}
        hops = tuple(hop for hop in decision.hops_for("answer") if hop.model not in tried)
    if not hops:
        return replace(outcome, reply=None)
    request = with_violations(question.request, broken)
    left = question.left_microusd(outcome)
    told = run_hops(request, hops, question.asking, question.ends_at_ms, attempt=attempt, left_microusd=left)
    return replace(told, attempts=(*outcome.attempts, *told.attempts))
