"""A request's entry in the ledger, from what is known of it. Pure."""

import json
from collections.abc import Sequence

from signalbox.contracts.decisions import Decision
from signalbox.contracts.errors import SignalboxError
from signalbox.contracts.ledger import AttemptFacts, Entry
from signalbox.contracts.quotas import Hold
from signalbox.contracts.receipts import Receipt
from signalbox.execution.outcome import Attempt, Outcome
from signalbox.execution.served import Asked, Served
from signalbox.quotas.settled import booked_microusd

# Past the deadline the adapter has given up; by then whoever still runs has settled.
LEASE_MARGIN_MS = 3_000
# A plan's machine settles behind its last model, and is patient about it.
PLAN_MARGIN_MS = 60_000


def lease_ends_at_ms(asked: Asked, deadline_ms: int) -> int:
    """When a request with this deadline counts as dead, Unix milliseconds."""
    return asked.arrived_at_ms + deadline_ms + LEASE_MARGIN_MS


def longest_ms(decision: Decision) -> int:
    """Until nobody works on it any more, however late the preliminary reply came."""
    if decision.plan == "single":
        return decision.deadline_ms
    later_ms = decision.terms.verify_within_ms if decision.plan == "verify" else 0
    return decision.deadline_ms + later_ms + PLAN_MARGIN_MS


def begun(asked: Asked, decision: Decision | None, key_hash: str | None, prefix_hash: str | None = None) -> Entry:
    """Who asked, and what was decided; ``prefix_hash`` of what was said before."""
    request = asked.request
    return Entry(
        caller=request.caller,
        request_id=request.request_id,
        key_id=request.key_id,
        path=request.path,
        opened_at_ms=asked.arrived_at_ms,
        decision=decision,
        conversation_id=request.conversation_id,
        prefix_hash=prefix_hash,
        idempotency_key_hash=key_hash,
    )


def opened(entry: Entry, asked: Asked, holds: Sequence[Hold], receipt: str) -> Entry:
    """``entry`` as it stands while its models are asked. Raises ``ValueError`` without a decision."""
    if entry.decision is None:
        raise ValueError("nothing was decided")
    return entry.model_copy(
        update={
            "state": "open",
            "holds": tuple(holds),
            "receipt": receipt,
            "lease_ends_at_ms": lease_ends_at_ms(asked, longest_ms(entry.decision)),
            "reserved_microusd": sum(hop.worst_cost_microusd for hop in entry.decision.hops),
        }
    )


def ended(entry: Entry, served: Served, now_ms: int, *, prompt: str | None = None, recovered: bool = False) -> Entry:
    """``entry`` as it ended. ``prompt`` as JSON, where the route keeps it; ``recovered``: another request has paid."""
    reply = served.answer.reply if served.answer else None
    done = entry.model_copy(
        update={
            "state": "settled",
            "attempts": tuple(attempt_facts(one, recovered) for one in served.outcome.attempts),
            "replay": served.replay,
            "cache": "hit" if served.replay and served.replay.by == "cache" else None,
            "resolution": served.outcome.resolution if reply else None,
            "confidence": served.outcome.confidence.value if served.outcome.confidence else None,
            "status": served.error.status if served.error else 200,
            "error": served.error.code if served.error else None,
            "settled_at_ms": now_ms,
            "latency_ms": max(0, now_ms - entry.opened_at_ms),
            "prompt": prompt,
            "reply": reply.model_dump_json() if prompt is not None and reply else None,
        }
    )
    return done.model_copy(update={"booked_microusd": booked_microusd(done)})


def attempt_facts(attempt: Attempt, recovered: bool = False) -> AttemptFacts:
    """One try, by its figures."""
    if reply := attempt.reply:
        return AttemptFacts(
            model=attempt.model,
            attempt=attempt.name,
            model_version=reply.model_version,
            provider_request_id=reply.provider_request_id,
            usage=reply.usage,
            cost_microusd=reply.cost_microusd,
            latency_ms=attempt.latency_ms,
            recovered=recovered,
        )
    failure = attempt.failure
    return AttemptFacts(
        model=attempt.model,
        attempt=attempt.name,
        provider_request_id=failure.provider_request_id if failure else None,
        latency_ms=attempt.latency_ms,
        failure=failure.name if failure else None,
        message=failure.message if failure else None,
        may_be_billed=attempt.may_be_billed,
    )


def told_by(entry: Entry, receipts: Sequence[Receipt]) -> Entry:
    """``entry`` with what its receipts say of attempts whose reply never came."""
    mine = [one.attempt for one in receipts if one.request_id == entry.request_id]
    billed = {(one.model, one.attempt): one for one in mine}

    def told(attempt: AttemptFacts) -> AttemptFacts:
        known = billed.get((attempt.model, attempt.attempt)) if attempt.may_be_billed else None
        if known is None:
            return attempt
        paid = known.model_dump(include={"model_version", "provider_request_id", "cost_microusd"})
        return attempt.model_copy(update={**paid, "usage": known.usage})

    return entry.model_copy(update={"attempts": tuple(map(told, entry.attempts))})


def prompt_json(asked: Asked) -> str:
    """The messages as they were sent."""
    return json.dumps([one.model_dump(mode="json", exclude_defaults=True) for one in asked.request.messages])


def as_refused(error: SignalboxError, decision: Decision | None, outcome: Outcome | None = None) -> Served:
    """An end without an answer."""
    return Served(None, error, decision, outcome or Outcome(None, error, ()))
