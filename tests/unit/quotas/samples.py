"""A decision with two hops, and a ledger entry of it."""

from typing import Any

from signalbox.contracts.decisions import Decision, Hop
from signalbox.contracts.ledger import AttemptFacts, Entry
from signalbox.contracts.quotas import Hold, Measure
from tests import builders

NOW_MS = int(builders.NOW.timestamp()) * 1_000


def hop(model: str, worst: int = 100, input_tokens: int = 10, max_output_tokens: int = 50) -> Hop:
    return Hop(
        model=model,
        provider="openai",
        provider_model=f"{model}-exact",
        window_tokens=10_000,
        input_tokens=input_tokens,
        max_output_tokens=max_output_tokens,
        worst_cost_microusd=worst,
    )


def decision(*hops: Hop, role: str | None = "premium") -> Decision:
    return Decision(
        route="all",
        role=role,
        plan="single",
        pinned=False,
        deadline_ms=10_000,
        hops=hops,
        rejected=(),
        reasons=("because",),
        signals=builders.signals(),
        policy_version="0123456789ab",
    )


def hold(counter: str = "caller#alice", measure: Measure = "microusd", **fields: Any) -> Hold:
    windows = {
        "microusd": "microusd#day#2026-11-21",
        "requests": "requests#minute#1",
        "tokens": "tokens#minute#1",
        "in_flight": "in_flight",
    }
    fixed: dict[str, Any] = {
        "counter": counter,
        "window": windows[measure],
        "measure": measure,
        "limit": 1_000,
        "amount": 100,
        "label": f"{measure} of {counter}",
        "resets_at_ms": None if measure == "in_flight" else NOW_MS + 60_000,
    }
    return Hold(**(fixed | fields))


def entry(*holds: Hold, hops: tuple[Hop, ...] = (), attempts: tuple[AttemptFacts, ...] = (), **fields: Any) -> Entry:
    hops = hops or (hop("small", 30), hop("large", 70))
    fixed: dict[str, Any] = {
        "caller": "alice",
        "request_id": "req_1",
        "path": "/v1/infer",
        "opened_at_ms": NOW_MS,
        "state": "open",
        "decision": decision(*hops),
        "receipt": "alice#req_1",
        "holds": holds,
        "lease_ends_at_ms": NOW_MS + 13_000,
        "reserved_microusd": sum(one.worst_cost_microusd for one in hops),
        "attempts": attempts,
    }
    return Entry(**(fixed | fields))
