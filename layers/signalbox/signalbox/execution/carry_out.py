"""Asks the models for an answer, with everything that it may cost held before and settled after."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.answers import Answer
from signalbox.contracts.decisions import Decision
from signalbox.contracts.errors import Conflict, SignalboxError
from signalbox.contracts.ledger import Entry
from signalbox.contracts.messages import Message
from signalbox.contracts.plans import Job, Progress
from signalbox.contracts.receipts import Receipt
from signalbox.contracts.requests import InferenceRequest
from signalbox.contracts.runtime import Runtime
from signalbox.decision.decide import GATEWAY_LIMIT_MS
from signalbox.decision.grounding import bound
from signalbox.execution.answer import Question, answer, confidence_of, escalated, first_answer
from signalbox.execution.cascade import begin
from signalbox.execution.cascade.conclude import conclude
from signalbox.execution.converse import Conversing
from signalbox.execution.entries import attempt_facts, begun, ended, told_by
from signalbox.execution.facts import routing_facts, routing_headers
from signalbox.execution.ground import grounded
from signalbox.execution.hops import Asking
from signalbox.execution.outcome import Attempt, Outcome, concluded
from signalbox.execution.owed import violations
from signalbox.execution.reserve import Refused, Wanted, reserve
from signalbox.execution.served import Asked, Served, no_state
from signalbox.execution.services import Services
from signalbox.ledger.died import died, of_request
from signalbox.policy.resolved import Policy
from signalbox.quotas.headers import headers as quota_headers
from signalbox.transport.dynamodb import StoreUnavailable

# What a plan needs behind the last model that somebody waits for: to check, settle and tell, or to start a machine.
SETTLING_MS = 1_500
RETRY_AFTER_MS = 1_000


@dataclass(frozen=True)
class Call:
    """A decided request. ``prompt`` is its JSON where the route keeps it; ``key_hash`` of its idempotency key.

    ``decide_ms`` is what opening the conversation, the signals and the decision took, reads included.
    """

    asked: Asked
    request: InferenceRequest
    policy: Policy
    runtime: Runtime
    decision: Decision
    conversing: Conversing
    receipt: str
    key_hash: str | None
    decide_ms: float
    prompt: str | None


def carry_out(call: Call, services: Services) -> Served:
    """The answer or its error; settled and on record. Raises ``StoreUnavailable`` while nothing is held."""
    if call.key_hash is not None and (left := _left_behind(call, services)):
        return _recovered(call, left, services)
    messages = call.conversing.messages()
    wanted = Wanted(
        call.asked, call.request, call.policy, call.runtime, call.decision, call.receipt, call.key_hash, _prefix(call)
    )
    reserved = reserve(wanted, services)
    if isinstance(reserved, Refused):
        return _refused(reserved, call, services)
    entry, standings = reserved
    served = _carried(call, entry, messages, services)
    # Where the limits stand is for this response alone; it is no part of an answer that is given again.
    return replace(served, headers={**served.headers, **quota_headers(standings, services.clock.now_ms())})


def _carried(call: Call, entry: Entry, messages: tuple[Message, ...], services: Services) -> Served:
    """By the plan that was decided. What is held is settled in the end: here, or by the state machine."""
    decision = entry.decision or call.decision
    request = call.request.model_copy(update={"messages": messages})
    try:
        request, passages = grounded(request, decision.terms, services)
    except SignalboxError as error:
        return _settled(entry, _answered(call, decision, Outcome(None, error, ()), services), call, services)
    asking = Asking(
        decision,
        call.policy,
        services.invoker,
        services.clock,
        services.health,
        receipt=call.receipt,
        keep_reply=call.key_hash is not None and decision.plan == "single",  # a plan's replies are kept by itself
    )
    within_ms = decision.deadline_ms
    if decision.plan != "single":
        within_ms = min(within_ms, GATEWAY_LIMIT_MS - SETTLING_MS)
    ends_at_ms = call.asked.arrived_at_ms + within_ms
    question = Question(request, passages, asking, ends_at_ms, logprobs=decision.plan == "verify")
    match decision.plan:
        case "single":
            return _settled(entry, _answered(call, decision, answer(question), services), call, services)
        case "verify":
            return _verified_later(call, entry, question, services)
        case "cascade" | "rerank":
            return _by_machine(call, entry, question, services)


def _by_machine(call: Call, entry: Entry, question: Question, services: Services) -> Served:
    """The caller waits for the state machine, which settles."""
    decision = question.asking.decision
    job = _job(call, entry, question, question.ends_at_ms)
    try:
        begin.keep(job, services)
    except StoreUnavailable:
        return _settled(entry, _answered(call, decision, Outcome(None, no_state(), ()), services), call, services)
    try:
        progress = begin.run(job, services)
    except StoreUnavailable:
        # What the steps have bought is settled when the lease ends.
        return _answered(call, decision, Outcome(None, no_state(), ()), services)
    attempts = [one for result in progress.results for one in result.attempts]
    assert progress.conclusion is not None  # noqa: S101 run ends with one
    return _answered(call, decision, concluded(progress.conclusion, attempts), services)


def _verified_later(call: Call, entry: Entry, question: Question, services: Services) -> Served:
    """The fast reply now; the stronger model looks at it while the caller reads."""
    decision = question.asking.decision
    outcome = first_answer(question)
    reply = outcome.reply
    if reply is None:
        return _settled(entry, _answered(call, decision, escalated(question, outcome), services), call, services)
    broken = question.owed(reply)
    sure = confidence_of(question, reply, broken)
    outcome = replace(outcome, confidence=sure, violations=broken, preliminary=True)
    ends_at_ms = services.clock.now_ms() + decision.terms.verify_within_ms
    job, attempts = _job(call, entry, question, ends_at_ms), tuple(map(attempt_facts, outcome.attempts))
    facts = routing_facts(call.request.request_id, decision, outcome, reply, 0)
    fast = begin.fast_step(reply, attempts, services)
    try:
        if begin.verify_later(job, fast, facts, services):
            return _answered(call, decision, outcome, services)
        progress = begin.give_up(job, services, "the state machine could not be started")
    except StoreUnavailable:
        # Nothing was started: the end is what there is, and is settled here.
        known = Progress(job=job, results=(fast,))
        end = conclude(known, services.clock.now_ms(), interrupted="the reply could not be kept to be verified")
        return _settled(entry, _answered(call, decision, concluded(end, attempts), services), call, services)
    assert progress.conclusion is not None  # noqa: S101 giving up ends with one
    return _answered(call, decision, concluded(progress.conclusion, attempts), services)


def _job(call: Call, entry: Entry, question: Question, ends_at_ms: int) -> Job:
    return begin.make_job(
        question.request,
        entry,
        question.passages,
        ends_at_ms,
        prompt=call.prompt,
    )


def _answered(call: Call, decision: Decision, outcome: Outcome, services: Services, *, append: bool = True) -> Served:
    """The outcome as an answer, its turn appended to the conversation unless it is there."""
    headers = routing_headers(decision, outcome)
    reply = outcome.reply
    if reply is None:
        return Served(None, outcome.error, decision, outcome, headers)
    try:
        conversation = call.conversing.commit(reply) if append else call.conversing.as_it_is()
    except Conflict as error:
        # Erased, or taken over: nobody may find the reply again.
        with suppress(StoreUnavailable):
            services.receipts.erase(call.receipt)
        if decision.plan != "single":
            with suppress(StoreUnavailable):
                services.replies.erase(call.request.caller, call.request.request_id)
        return Served(None, error, decision, outcome, headers)
    now_ms, request_id = services.clock.now_ms(), call.request.request_id
    facts = routing_facts(request_id, decision, outcome, reply, max(0, now_ms - call.asked.arrived_at_ms))
    facts["decide_ms"] = call.decide_ms
    if conversation is not None:
        facts["conversation"] = conversation
    answer = Answer(request_id=request_id, created_at_ms=now_ms, reply=reply, facts=facts, headers=headers)
    return Served(answer, None, decision, outcome, headers)


def _settled(entry: Entry, served: Served, call: Call, services: Services) -> Served:
    """An answer is worth more than its record: what could not be settled is, once the lease has ended."""
    entry = ended(entry, served, services.clock.now_ms(), prompt=call.prompt)
    try:
        if any(one.may_be_billed for one in entry.attempts):
            entry = told_by(entry, services.receipts.find(call.receipt))
        services.ledger.settle(entry)
    except StoreUnavailable:
        return replace(served, unrecorded=True)
    return served


def _refused(refused: Refused, call: Call, services: Services) -> Served:
    decision = refused.entry.decision or call.decision
    outcome = Outcome(None, refused.error, ())
    served = Served(None, refused.error, decision, outcome, {**routing_headers(decision), **refused.headers})
    try:
        services.ledger.record(ended(refused.entry, served, services.clock.now_ms(), prompt=call.prompt))
    except StoreUnavailable:
        return replace(served, unrecorded=True)
    return served


# -- a reply that was paid for and never taken ---------------------------------------------------


@dataclass(frozen=True)
class _Found:
    """``committed``: it is the last turn of the conversation already."""

    reply: AdapterReply
    committed: bool


def _left_behind(call: Call, services: Services) -> _Found | None:
    """The reply of an earlier request with this key and body that died, where it still answers this one.

    Whoever died is settled, usable or not. A reply is usable if its model may answer now, and if nothing was said
    in the conversation since it was asked for, but the reply itself.
    """
    receipts = services.receipts.find(call.receipt)
    opened = call.conversing.opened
    found: _Found | None = None
    for request_id in dict.fromkeys(one.request_id for one in receipts):
        entry = services.ledger.get(call.request.caller, request_id)
        if entry is None:
            continue
        single = entry.decision is None or entry.decision.plan == "single"
        if entry.state != "settled" and single:  # a plan's machine may be at it still, and settles by itself
            services.ledger.settle(died(entry, receipts, services.clock.now_ms()))
        committed = opened is not None and opened.committed_by == request_id
        reply = _last_of(entry, receipts) if single else _concluded(entry, services)
        if single and call.decision.terms.must_verify:
            continue  # nobody has verified it
        if reply and _may_answer(reply, call) and (committed or entry.prefix_hash == _prefix(call)):
            found = _Found(reply, committed)
    return found


def _last_of(entry: Entry, receipts: Sequence[Receipt]) -> AdapterReply | None:
    return next((one.reply for one in reversed(of_request(entry, receipts)) if one.reply), None)


def _concluded(entry: Entry, services: Services) -> AdapterReply | None:
    """Of a plan's replies only its conclusion is one to give. Raises ``Conflict`` while it is still being worked on."""
    found = services.replies.head(entry.caller, entry.request_id)
    if found is None:
        return None
    head, conclusion = found
    if conclusion is None and services.clock.now_ms() <= head.ends_at_ms:
        told = (
            f"The request {entry.request_id} with this key is still being worked on; see /replies/{entry.request_id}."
        )
        raise Conflict("request_in_flight", told, retry_after_ms=RETRY_AFTER_MS)
    return conclusion.reply if conclusion else None


def _may_answer(reply: AdapterReply, call: Call) -> bool:
    """A pinned answer is its pin's alone, and no reply is given that owes something.

    Which passages it was to cite nobody knows any more, so one that owes citations is asked for again.
    """
    if call.decision.pinned and reply.model != call.decision.model:
        return False
    return not violations(reply, bound(call.request, call.decision.terms), call.decision.terms, ())


def _prefix(call: Call) -> str | None:
    return call.conversing.opened.prefix_hash if call.conversing.opened and call.conversing.opened.version else None


def _recovered(call: Call, found: _Found, services: Services) -> Served:
    """The reply found again; nobody is asked a second time."""
    attempt = Attempt(model=found.reply.model, reply=found.reply, failure=None, latency_ms=found.reply.latency_ms)
    served = _answered(
        call, call.decision, Outcome(found.reply, None, (attempt,)), services, append=not found.committed
    )
    entry = begun(call.asked, call.decision, call.key_hash)
    try:
        services.ledger.record(ended(entry, served, services.clock.now_ms(), recovered=True))
    except StoreUnavailable:
        return replace(served, unrecorded=True)
    return served
