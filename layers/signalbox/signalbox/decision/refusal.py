"""What a caller is told when no candidate may answer."""

from collections.abc import Sequence

from signalbox.contracts.decisions import Decision, Rejection
from signalbox.contracts.errors import RateLimited, SignalboxError, Unavailable, Unprocessable


def _of(rejected: Sequence[Rejection], reason: str) -> list[str]:
    return [f"{one.model}: {one.detail}" for one in rejected if one.reason == reason]


def refusal(decision: Decision) -> SignalboxError:
    """The error for a decision without hops.

    A candidate that will answer later comes first, as nothing is wrong with the request then; after that what
    the caller can change.
    """
    rejected = decision.rejected
    if later := _later(rejected):
        return later
    if too_long := _of(rejected, "window"):
        return Unprocessable(
            "context_length_exceeded", f"No candidate's window fits. {'; '.join(too_long)}.", param="messages"
        )
    if unsupported := _of(rejected, "unsupported"):
        at_fault = next(one.params[0] for one in rejected if one.params)
        return Unprocessable(
            "unsupported_parameter", f"No candidate can do this. {'; '.join(unsupported)}.", param=at_fault
        )
    if capped := _of(rejected, "output_cap"):
        return Unprocessable(
            "max_tokens_exceeded", f"No candidate writes that much. {'; '.join(capped)}.", param="max_tokens"
        )
    if dear := _of(rejected, "price"):
        return Unprocessable("cost_limit_exceeded", f"The route's price limit rules out all. {'; '.join(dear)}.")
    if slow := _of(rejected, "deadline"):
        return Unprocessable(
            "deadline_too_short", f"No candidate is that quick. {'; '.join(slow)}.", param="deadline_ms"
        )
    why = "; ".join(f"{one.model}: {one.detail}" for one in rejected)
    return Unavailable("no_eligible_model", f"No model of role {decision.role} may answer now. {why}.")


def _later(rejected: Sequence[Rejection]) -> SignalboxError | None:
    waits = [one.retry_after_ms for one in rejected if one.retry_after_ms is not None]
    full, cooling = _of(rejected, "gate"), _of(rejected, "health")
    if full:
        told = f"Every place is taken. {'; '.join([*full, *cooling])}."
        return RateLimited("gate_full", told, retry_after_ms=min(waits, default=None))
    if cooling:
        told = f"No candidate may be asked just now. {'; '.join(cooling)}."
        return Unavailable("no_eligible_model", told, retry_after_ms=min(waits, default=None))
    return None
