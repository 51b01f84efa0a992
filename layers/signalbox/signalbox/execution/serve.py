"""One request from its parsed form to its answer: every step that leaves a trace, in its order.

idempotency → conversation → health → decision → cache → limits and ledger → models → conversation → ledger.
A step that fails gives back what the steps before it took; a process that dies between two lines leaves leases
that end by themselves, and receipts by which its money is booked and its reply is found again.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from time import perf_counter

from signalbox.contracts.answers import Answer
from signalbox.contracts.decisions import Decision
from signalbox.contracts.errors import Conflict, SignalboxError
from signalbox.contracts.ledger import Replay
from signalbox.contracts.requests import InferenceRequest
from signalbox.contracts.runtime import Runtime
from signalbox.conversations.opened import Opened
from signalbox.decision.decide import GATEWAY_LIMIT_MS
from signalbox.execution.carry_out import Call, carry_out
from signalbox.execution.choose import choose, moment
from signalbox.execution.converse import Conversing
from signalbox.execution.entries import LEASE_MARGIN_MS, as_refused, begun, ended, prompt_json
from signalbox.execution.ports import Once
from signalbox.execution.served import Asked, Served, no_state
from signalbox.execution.services import Services
from signalbox.health.corrected import corrected
from signalbox.idempotency.cache import cache_key, cacheable, worth_keeping
from signalbox.idempotency.keys import fingerprint
from signalbox.idempotency.ticket import Given, NotKept, Ticket
from signalbox.policy.resolved import Policy, Route
from signalbox.transport.dynamodb import StoreUnavailable

# Before the ids of receipts and replies among what is linked to a conversation; the others are tickets.
RECEIPT, REPLY = "receipt:", "reply:"


def forgetting(
    once: Once, erase_receipts: Callable[[str], None], erase_reply: Callable[[str, str], None]
) -> Callable[[Iterable[str]], None]:
    """What erases everything that ``serve`` links to a conversation. ``erase_reply`` takes caller and request id."""

    def forget(ids: Iterable[str]) -> None:
        for one in ids:
            if one.startswith(RECEIPT):
                erase_receipts(one.removeprefix(RECEIPT))
            elif one.startswith(REPLY):
                caller, _, request_id = one.removeprefix(REPLY).partition("#")
                erase_reply(caller, request_id)
            else:
                once.forget([one])

    return forget


class _Ended(NotKept):
    """Carries an end that nobody else may be given out of ``Once``."""

    def __init__(self, served: Served) -> None:
        super().__init__("not to be repeated")
        self.served = served


def serve(asked: Asked, services: Services) -> Served:
    """The answer to ``asked``, or the error that it ended with; on record either way.

    Raises what parsing the policy's conditions raises (``MatcherFailed``, ``tokenizer_unavailable``); nothing
    was taken then.
    """
    return _Serving(asked, services).served()


class _Serving:
    def __init__(self, asked: Asked, services: Services) -> None:
        self.asked, self.services = asked, services
        self.request = asked.request
        self.decide_ms = 0.0
        self.ticket = self._idempotency_ticket() if asked.idempotency_key else None

    def served(self) -> Served:
        try:
            if self.ticket is None:
                return self._answered()
            return self._once(self.ticket, self._answered)
        except StoreUnavailable:
            return self._recorded(as_refused(no_state(), None))
        except SignalboxError as error:
            return self._recorded(as_refused(error, None))

    # -- the same request once ----------------------------------------------------------------

    def _once(self, ticket: Ticket, work: Callable[[], Served], decision: Decision | None = None) -> Served:
        """What ``work`` comes to, or what it came to before. ``decision``: who was meant to do it."""
        fresh: list[Served] = []

        def kept() -> Answer:
            served = work()
            if served.answer is None or (ticket.kind == "cache" and not _repeatable(served, decision)):
                raise _Ended(served)
            fresh.append(served)
            return served.answer

        try:
            given = self.services.once.run(ticket, kept)
        except _Ended as end:
            return end.served
        if given.fresh:
            return fresh[0]
        return self._replayed(ticket, given)

    def _replayed(self, ticket: Ticket, given: Given) -> Served:
        answer = given.answer
        replay = Replay(by=ticket.kind, request_id=answer.request_id, age_s=given.age_s)
        headers = {**answer.headers, "age": str(given.age_s), "x-signalbox-cost-microusd": "0"}
        if ticket.kind == "idempotency":
            headers["idempotent-replayed"] = "true"
            return self._recorded(Served(answer, None, headers=headers, replay=replay))
        headers["x-signalbox-cache"] = "hit"
        facts = {**answer.facts, "cached": True, "age_s": given.age_s, "cost_microusd": 0}
        told = answer.model_copy(update={"facts": facts})
        return Served(told, None, headers=headers, replay=replay)

    def _idempotency_ticket(self) -> Ticket:
        limit_ms = min(self.request.deadline_ms or GATEWAY_LIMIT_MS, GATEWAY_LIMIT_MS)
        return Ticket(
            kind="idempotency",
            caller=self.request.caller,
            key=self.asked.idempotency_key or "",
            fingerprint=fingerprint(self.request),
            keep_s=self.services.policy.retention.idempotency_hours * 3600,
            lease_ms=limit_ms + LEASE_MARGIN_MS,
            wait_until_ms=self.asked.arrived_at_ms + limit_ms,
        )

    # -- an answer of its own -----------------------------------------------------------------

    def _answered(self) -> Served:
        services = self.services
        started = perf_counter()
        conversing = Conversing.open(self.asked, services.conversations)
        self.request = conversing.request
        runtime = services.health.read(services.policy.roster)
        policy = corrected(services.policy, runtime)
        try:
            decision = choose(self.request, policy, services.prices, moment(services.clock.now_ms()), runtime)
            self.decide_ms = round((perf_counter() - started) * 1_000, 2)
            until_ms = services.clock.now_ms() + decision.deadline_ms + LEASE_MARGIN_MS
            with conversing.claimed(until_ms, bound_to=decision.model if decision.pinned else None):
                return self._cached(conversing, policy, runtime, decision)
        except Conflict as error:
            return self._recorded(as_refused(error, None))

    def _cached(self, conversing: Conversing, policy: Policy, runtime: Runtime, decision: Decision) -> Served:
        """From the short-circuit cache where the policy and the caller allow it."""
        route = next(one for one in policy.routes if one.name == decision.route)
        ticket = self._cache_ticket(policy, decision, route, conversing.opened)
        # Before anything is kept, so that erasing the conversation finds it whatever happens here.
        kept = (*(one.id for one in (self.ticket, ticket) if one), *self._kept_receipts(), *self._kept_reply(decision))
        conversing.link(kept)
        call = Call(
            asked=self.asked,
            request=self.request,
            policy=policy,
            runtime=runtime,
            decision=decision,
            conversing=conversing,
            receipt=self._receipt(),
            key_hash=self._key_hash(),
            decide_ms=self.decide_ms,
            prompt=prompt_json(self.asked) if route.keep_text else None,
        )

        def fresh() -> Served:
            return carry_out(call, self.services)

        if ticket is None:
            return fresh()
        if self.asked.cache.no_cache:
            return self._renewed(ticket, fresh(), decision)
        try:
            served = self._once(ticket, fresh, decision)
        except Conflict:
            return fresh()  # somebody asks the very same and takes long; there is time left to ask for oneself
        if served.replay is None or served.answer is None:
            return served
        if self.asked.cache.max_age_s is not None and served.replay.age_s > self.asked.cache.max_age_s:
            return self._renewed(ticket, fresh(), decision)
        return self._continued(served.answer, served, conversing, decision)

    def _continued(self, answer: Answer, served: Served, conversing: Conversing, decision: Decision) -> Served:
        """A cached answer is a turn of the conversation like any other."""
        facts = {name: fact for name, fact in answer.facts.items() if name != "conversation"}  # another one's
        if (told := conversing.commit(answer.reply)) is not None:
            facts["conversation"] = told
        served = replace(served, answer=answer.model_copy(update={"facts": facts}), decision=decision)
        return self._recorded(served)

    def _renewed(self, ticket: Ticket, served: Served, decision: Decision) -> Served:
        if served.answer is not None and _repeatable(served, decision):
            self.services.once.renew(ticket, served.answer)
        return served

    def _cache_ticket(self, policy: Policy, decision: Decision, route: Route, opened: Opened | None) -> Ticket | None:
        """None where nothing may be repeated, by the policy's word or the caller's."""
        if self.asked.cache.no_store or not decision.hops or not cacheable(self.request, decision, route, policy):
            return None
        before = opened.prefix_hash if opened and opened.kept else None
        key = cache_key(self.request, policy.version, before, f"{decision.route}/{decision.role}")
        return Ticket(
            kind="cache",
            caller=self.request.caller,
            key=key,
            fingerprint=key,
            keep_s=policy.cache.keep_s,
            lease_ms=decision.deadline_ms + LEASE_MARGIN_MS,
            wait_until_ms=self.asked.arrived_at_ms + decision.deadline_ms // 2,
        )

    # -- what is left behind ------------------------------------------------------------------

    def _receipt(self) -> str:
        """The partition of this request's receipts; a retry with the same key and body finds it again."""
        if self.ticket is None:
            return f"{self.request.caller}#{self.request.request_id}"
        return f"{self.ticket.id}#{self.ticket.fingerprint[:16]}"

    def _kept_receipts(self) -> tuple[str, ...]:
        """Receipts hold replies only where a key can find them again."""
        return (f"{RECEIPT}{self._receipt()}",) if self.ticket else ()

    def _kept_reply(self, decision: Decision) -> tuple[str, ...]:
        """Plans with several calls keep their job, and the words in it."""
        if decision.plan == "single":
            return ()
        return (f"{REPLY}{self.request.caller}#{self.request.request_id}",)

    def _key_hash(self) -> str | None:
        return hashlib.sha256(self.ticket.id.encode()).hexdigest() if self.ticket else None

    def _recorded(self, served: Served) -> Served:
        """On record, where no entry was opened for it. An answer is worth more than its record."""
        entry = begun(self.asked, served.decision, self._key_hash())
        try:
            self.services.ledger.record(ended(entry, served, self.services.clock.now_ms()))
        except StoreUnavailable:
            return replace(served, unrecorded=True)
        return served


def _repeatable(served: Served, meant: Decision | None) -> bool:
    """Whether the cache may keep it: a whole answer, of the role that was meant to give it."""
    if served.answer is None or served.decision is None or meant is None:
        return False
    found_again = any(one.hop is None for one in served.outcome.attempts)  # asked for under who knows what policy
    return not found_again and served.decision.role == meant.role and worth_keeping(served.answer.reply)


def preview(request: InferenceRequest, services: Services) -> Decision:
    """What would be decided now; nothing is taken, asked or stored. Raises what ``decide`` raises."""
    try:
        opened = Conversing.open(Asked(request, services.clock.now_ms()), services.conversations)
    except StoreUnavailable:
        raise no_state() from None
    runtime = services.health.read(services.policy.roster)
    now = moment(services.clock.now_ms())
    return choose(opened.request, corrected(services.policy, runtime), services.prices, now, runtime)
