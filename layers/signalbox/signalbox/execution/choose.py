"""One request from signals to decision. What it needs comes in as ``Services``."""

from collections.abc import Mapping
from datetime import UTC, datetime

from signalbox.contracts.decisions import Decision
from signalbox.contracts.requests import InferenceRequest
from signalbox.contracts.runtime import Runtime
from signalbox.decision.decide import NOTHING_KNOWN, decide
from signalbox.policy.resolved import Policy
from signalbox.pricing.table import PriceTable
from signalbox.signals.extract import extract


def choose(
    request: InferenceRequest,
    policy: Policy,
    prices: PriceTable,
    now: datetime,
    runtime: Runtime = NOTHING_KNOWN,
    *,
    degraded_to: str | None = None,
    full: Mapping[str, str] | None = None,
) -> Decision:
    """Signals, then the decision. ``policy`` is corrected by ``runtime`` already. Raises what ``decide`` raises."""
    signals = extract(request, policy, now)
    return decide(request, signals, policy, prices, now, runtime, degraded_to=degraded_to, full=full or {})


def moment(now_ms: int) -> datetime:
    """Unix milliseconds as a time in UTC."""
    return datetime.fromtimestamp(now_ms / 1_000, UTC)
