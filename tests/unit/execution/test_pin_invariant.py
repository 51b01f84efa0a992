"""E6: whatever policy, plan, fault, cache, key or conversation, what is compliance-bound stays with its pin."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signalbox.contracts.adapters import AdapterRequest, AdapterResult
from signalbox.contracts.decisions import Plan
from signalbox.execution.profile import OutsidePin, adapter_request
from signalbox.policy.resolved import Collection, Policy, Role
from tests.builders import EVERYTHING, failure, model, planned, policy, reply, route
from tests.unit.execution.serving import Desk, desk

PIN = model("pin", window_tokens=60_000, features=EVERYTHING | {"temperature"})
SECOND = model("second", window_tokens=60_000)
OTHERS = [model(name, window_tokens=50_000) for name in ("small", "middle", "large")]
SECRET = "canary"
FAILURES = ["ContextOverflow", "RateLimited", "DeadlineExceeded", "ProviderUnavailable", "MalformedReply"]
TEXTS = [
    "fine",
    "Yes [doc:refunds.1].",
    "Yes [doc:none].",
    '{"verdict": "confirm", "answer": null}',
    '{"verdict": "replace", "answer": "other [doc:refunds.1]"}',
    '{"pick": 1, "answer": null}',
    "no",
]


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """One pinned route, then one of any plan for the rest."""
    pinned = Role("pinned", PIN, pinned=True)
    owes: dict[str, Any] = draw(st.sampled_from([{}, {"citations": 1, "collection": "c"}]))
    bound = replace(
        planned("single", pinned, None, **owes),
        name="bound",
        matcher=route(pinned, needs_compliance_check=True, lane="").matcher,
    )
    elsewhere = route(Role("elsewhere", SECOND, pinned=True), "elsewhere", needs_compliance_check=True)
    plan: Plan = draw(st.sampled_from(["single", "cascade", "verify", "rerank"]))
    small, middle, large = draw(st.permutations(OTHERS))
    fast = Role("fast", small, draw(st.sampled_from([(), (middle,), (PIN,)])))
    terms: dict[str, Any] = {
        "samples": draw(st.integers(2, 3)) if plan == "rerank" else 1,
        "self_check": draw(st.booleans()),
        "must_verify": plan != "single" and draw(st.booleans()),
        **draw(st.sampled_from([{}, {"citations": 1, "collection": "c"}])),
    }
    rest = planned(plan, fast, Role("strong", large), **terms)
    rules = policy(bound, elsewhere, rest, extra=[PIN, SECOND, *OTHERS])
    return replace(
        rules,
        collections={"c": Collection("c", "sqlite")},
        cache=replace(rules.cache, deterministic=draw(st.booleans())),
    )


def results(name: str) -> st.SearchStrategy[AdapterResult]:
    failed = st.sampled_from(FAILURES).map(lambda kind: failure(name, kind, status=500))  # type: ignore[arg-type]
    return st.one_of(st.sampled_from(TEXTS).map(lambda text: reply(name, text)), failed)


requests = st.fixed_dictionaries(
    {
        "bound": st.sampled_from([None, None, "pin", "second"]),
        "conversation_id": st.sampled_from([None, "c1", "c2"]),
        "key": st.sampled_from([None, "k1"]),
        "model": st.sampled_from(["auto", "auto", "small", "large", "fast"]),
        "confidence": st.sampled_from([0.05, 0.9, 0.99]),
        "run": st.booleans(),
    }
)


def leaks(call: AdapterRequest) -> bool:
    """Whether it has words that are bound to a model other than its own."""
    said = json.dumps([one.model_dump(mode="json") for one in call.messages])
    return any(f"{SECRET}-{pin} " in said and call.model != pin for pin in ("pin", "second"))


def ask(at: Desk, number: int, one: dict[str, Any]) -> None:
    text = f"{SECRET}-{one['bound']} {number}" if one["bound"] else f"hello {number}"
    at.ask(
        text,
        key=one["key"] and f"{one['key']}-{one['bound']}",
        conversation_id=one["conversation_id"],
        model=one["model"],
        confidence=one["confidence"],
        needs_compliance_check=one["bound"] is not None,
        lane="other" if one["bound"] == "second" else None,
    )
    while at.machine.waiting and one["run"]:
        at.machine.go_on()


@pytest.mark.row("E6")
@pytest.mark.row("A8")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), rules=policies(), asked=st.lists(requests, min_size=1, max_size=6))
def test_no_bound_body_reaches_a_model_outside_its_pin(
    data: st.DataObject, rules: Policy, asked: list[dict[str, Any]]
) -> None:
    script = {name: data.draw(st.lists(results(name), min_size=40, max_size=40)) for name in rules.roster}
    at = desk(rules, script)
    at.machine.reachable = data.draw(st.booleans())
    at.machine.broken = data.draw(
        st.dictionaries(st.sampled_from(["FastPass", "Judge", "Verify", "Integrity", "Settle"]), st.just("Broken"))
    )
    for number, one in enumerate(asked):
        ask(at, number, one)
    assert not [call for call in at.invoker.calls if leaks(call)]
    finals = [entry for entry in at.ledger.entries if entry.decision and entry.decision.pinned and entry.status == 200]
    assert all(len({one.model for one in entry.attempts} - {"pin", "second"}) == 0 for entry in finals)


@pytest.mark.row("E6")
def test_the_one_place_where_calls_are_made_refuses_a_model_outside_the_pin() -> None:
    """Whatever led there: the second lock."""
    at = desk(policy(route(Role("pinned", PIN, pinned=True))))
    served = at.ask(needs_compliance_check=True)
    decision, asked = served.decision, at.asked("x").request
    assert decision is not None
    hop = decision.hops[0].model_copy(update={"model": "small"})
    with pytest.raises(OutsidePin):
        adapter_request(asked, decision, hop, OTHERS[0], 0, 1_000)
