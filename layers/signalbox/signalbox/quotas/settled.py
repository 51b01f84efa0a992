"""What each hold becomes once a request has ended: what was really used. Pure.

A failed attempt costs what the provider says it billed, and nothing where it says nothing, with two exceptions.
After ``DeadlineExceeded`` the provider may still have answered and billed, and before ``MalformedReply`` it
did: without its usage both are booked at the worst price of their hop. An outage (``ProviderUnavailable``) is
booked at nothing: providers bill no errors of their own, and a cap must not be used up by their bad days.

What is billed beyond the worst price is booked as well. It is the one way for a limit to be passed.
"""

from signalbox.contracts.adapters import Usage
from signalbox.contracts.decisions import Hop
from signalbox.contracts.ledger import AttemptFacts, Entry
from signalbox.contracts.quotas import Hold
from signalbox.quotas.holds import MODEL

_MAYBE_BILLED = ("DeadlineExceeded", "MalformedReply")


def settled(entry: Entry) -> tuple[int, ...]:
    """For each of ``entry.holds``, in their order, what stays booked of it for good."""
    return tuple(_used(hold, entry) for hold in entry.holds)


def booked_microusd(entry: Entry) -> int:
    """What the entry's attempts come to."""
    return sum(_cost_microusd(attempt, entry) for attempt in entry.attempts)


def worst(hold: Hold) -> int:
    """What stays booked of it while nobody knows what was used: all, but for the place in flight."""
    return 0 if hold.measure == "in_flight" else hold.amount


def _used(hold: Hold, entry: Entry) -> int:
    model = hold.counter.removeprefix(MODEL) if hold.counter.startswith(MODEL) else None
    attempts = [one for one in entry.attempts if model is None or one.model == model]
    match hold.measure:
        case "microusd":
            return sum(_cost_microusd(one, entry) for one in attempts)
        case "tokens":
            return sum(_tokens(one, entry) for one in attempts)
        case "requests":
            return hold.amount
        case "in_flight":
            return 0


def _cost_microusd(attempt: AttemptFacts, entry: Entry) -> int:
    if attempt.recovered:
        return 0  # the request that died has it booked
    hop = _untold(attempt, entry)
    return hop.worst_cost_microusd if hop else attempt.cost_microusd


def _tokens(attempt: AttemptFacts, entry: Entry) -> int:
    if hop := _untold(attempt, entry):
        return hop.input_tokens + hop.max_output_tokens
    return attempt.usage.input_tokens + attempt.usage.output_tokens


def _untold(attempt: AttemptFacts, entry: Entry) -> Hop | None:
    """The hop of an attempt that may have been billed without our being told."""
    told = attempt.cost_microusd or attempt.usage != Usage()
    if told or attempt.failure not in _MAYBE_BILLED or entry.decision is None:
        return None
    step = attempt.attempt.partition("-")[0] or "answer"  # sample-2 is a sample
    return next((hop for hop in entry.decision.hops if (hop.model, hop.step) == (attempt.model, step)), None)
