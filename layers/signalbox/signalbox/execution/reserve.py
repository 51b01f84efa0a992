"""Takes what a decision may cost of its limits; where one has no room, decides again around it."""

from contextlib import suppress
from dataclasses import dataclass

from signalbox.contracts.decisions import Decision
from signalbox.contracts.errors import SignalboxError
from signalbox.contracts.ledger import Entry
from signalbox.contracts.requests import InferenceRequest
from signalbox.contracts.runtime import Runtime
from signalbox.decision.refusal import refusal
from signalbox.execution.choose import choose, moment
from signalbox.execution.entries import begun, opened
from signalbox.execution.served import Asked
from signalbox.execution.services import Services
from signalbox.policy.resolved import Policy
from signalbox.quotas.headers import headers
from signalbox.quotas.holds import holds
from signalbox.quotas.refusal import refusal as quota_refusal
from signalbox.quotas.standing import QuotaExceeded, Standing
from signalbox.transport.dynamodb import StoreUnavailable

_UNASKED = {"state": "settled", "status": 503, "error": "state_unavailable"}


@dataclass(frozen=True)
class Wanted:
    """A decision and what it was made from. ``policy`` is corrected by ``runtime``."""

    asked: Asked
    request: InferenceRequest
    policy: Policy
    runtime: Runtime
    decision: Decision
    receipt: str
    key_hash: str | None = None
    prefix_hash: str | None = None


@dataclass(frozen=True)
class Refused:
    """No decision has room, or none has a model."""

    entry: Entry
    error: SignalboxError
    headers: dict[str, str]


def reserve(wanted: Wanted, services: Services) -> tuple[Entry, tuple[Standing, ...]] | Refused:
    """The entry on record with its holds taken, and where its limits stand; or why not. Raises ``StoreUnavailable``."""
    decision, full = wanted.decision, dict[str, str]()
    degraded_to: str | None = None
    tried: set[str | None] = {decision.role}
    told: dict[str, str] = {}
    while True:
        entry = begun(wanted.asked, decision, wanted.key_hash, wanted.prefix_hash)
        if not decision.hops:
            return Refused(entry, refusal(decision), told)
        now_ms = services.clock.now_ms()
        taken = holds(wanted.policy, wanted.request, decision, wanted.runtime, moment(now_ms))
        entry = opened(entry, wanted.asked, taken, wanted.receipt)
        try:
            return entry, services.ledger.open(entry)
        except QuotaExceeded as error:
            told = headers(error.standings, now_ms)
            model = decision.hops[0].model
            if (role := _cheaper(error, decision)) and role not in tried:
                degraded_to = role
                tried.add(role)
            elif _of_model_alone(error) and model not in full:
                full[model] = "; ".join(one.hold.label for one in error.standings)
            else:
                return Refused(begun(wanted.asked, decision, wanted.key_hash), quota_refusal(error, now_ms), told)
        except StoreUnavailable:
            # It may have been made, and only the answer was lost: nothing was asked, so nothing stays held.
            with suppress(StoreUnavailable):
                services.ledger.settle(entry.model_copy(update=_UNASKED | {"settled_at_ms": now_ms}))
            raise
        decision = choose(
            wanted.request,
            wanted.policy,
            services.prices,
            moment(now_ms),
            wanted.runtime,
            degraded_to=degraded_to,
            full=full,
        )


def _cheaper(error: QuotaExceeded, decision: Decision) -> str | None:
    """The role that the policy falls back to; never where the answer is pinned."""
    if decision.pinned:
        return None
    return next((one.hold.degrade_to for one in error.standings if one.hold.degrade_to), None)


def _of_model_alone(error: QuotaExceeded) -> bool:
    """Whether only the first model has no room, so that another may answer. Money is the policy's to say."""
    return all(one.hold.counter.startswith("model#") and one.hold.measure != "microusd" for one in error.standings)
