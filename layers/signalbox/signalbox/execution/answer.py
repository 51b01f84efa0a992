"""One request from signals to reply. What it needs comes in as ``Services``."""

from dataclasses import dataclass
from datetime import UTC, datetime

from signalbox.contracts.decisions import Decision
from signalbox.contracts.requests import InferenceRequest
from signalbox.decision.decide import decide
from signalbox.decision.refusal import refusal
from signalbox.execution.outcome import Outcome
from signalbox.execution.ports import Clock, Invoker
from signalbox.execution.single import run_single
from signalbox.policy.resolved import Policy
from signalbox.pricing.table import PriceTable
from signalbox.signals.extract import extract


@dataclass(frozen=True)
class Services:
    """What stays the same from request to request."""

    policy: Policy
    prices: PriceTable
    invoker: Invoker
    clock: Clock


def choose(request: InferenceRequest, services: Services) -> Decision:
    """Signals, then the decision. Raises what ``decide`` raises."""
    now = datetime.fromtimestamp(services.clock.now_ms() / 1000, UTC)
    signals = extract(request, services.policy, now)
    return decide(request, signals, services.policy, services.prices, now)


def answer(request: InferenceRequest, decision: Decision, services: Services, arrived_at_ms: int) -> Outcome:
    """Carry ``decision`` out. A decision without hops comes back as its refusal; raises nothing of its own."""
    if not decision.hops:
        return Outcome(None, refusal(decision), ())
    return run_single(request, decision, services.policy, services.invoker, services.clock, arrived_at_ms)
