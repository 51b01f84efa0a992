"""The hops of plans with several calls: all of them sized and priced before anything is asked."""

from dataclasses import replace
from typing import Any

import pytest

from signalbox.contracts.decisions import Decision, Plan
from signalbox.contracts.runtime import ModelState, Runtime
from signalbox.decision.decide import decide
from signalbox.decision.refusal import refusal
from signalbox.policy.resolved import Collection, Policy, Role
from tests.builders import NOW, model, planned, policy, prices, request, signals

SMALL, OTHER, LARGE, HUGE = (
    model("small", window_tokens=20_000),
    model("other", window_tokens=20_000),
    model("large", window_tokens=90_000),
    model("huge", window_tokens=900_000),
)
FAST, STRONG = Role("fast", SMALL, (OTHER,)), Role("strong", LARGE, (HUGE,))


def decided(rules: Policy, *, runtime: Runtime | None = None, tokens: int = 10, **fields: Any) -> Decision:
    seen = signals(tokens, needs_compliance_check=fields.get("needs_compliance_check", False))
    return decide(request(**fields), seen, rules, prices(*rules.roster.values()), NOW, runtime or Runtime())


def under(plan: Plan, **terms: Any) -> Policy:
    return policy(planned(plan, FAST, STRONG, **terms))


def hops(decision: Decision) -> list[str]:
    return [f"{hop.step}:{hop.model}" for hop in decision.hops]


def cooling(*models: str) -> Runtime:
    later = int(NOW.timestamp() * 1_000) + 5_000
    return Runtime(models={name: ModelState(circuit="cooling", shut_until_ms=later) for name in models})


@pytest.mark.row("E7")
@pytest.mark.parametrize(
    ("plan", "terms", "expected"),
    [
        ("single", {}, ["answer:small", "answer:other"]),
        (
            "cascade",
            {},
            ["answer:small", "answer:other", "verify:large", "verify:huge", "escalate:large", "escalate:huge"],
        ),
        (
            "verify",
            {"self_check": True},
            [
                *("answer:small", "answer:other", "self_check:small", "self_check:other"),
                *("verify:large", "verify:huge", "escalate:large", "escalate:huge"),
            ],
        ),
        (
            "rerank",
            {"samples": 3},
            [
                *("answer:small", "answer:other", "sample:small", "sample:small"),
                *("verify:large", "verify:huge", "escalate:large", "escalate:huge"),
            ],
        ),
        (
            "single",
            {"contract": {"type": "object"}},
            ["answer:small", "answer:other", "escalate:large", "escalate:huge"],
        ),
    ],
)
def test_every_call_that_a_plan_may_make_is_a_hop(plan: Plan, terms: dict[str, Any], expected: list[str]) -> None:
    assert hops(decided(under(plan, **terms))) == expected


@pytest.mark.row("E7")
def test_a_verifier_is_sized_with_the_draft_it_reads() -> None:
    by_step = {hop.step: hop for hop in reversed(decided(under("cascade"), max_output_tokens=500).hops)}
    assert by_step["verify"].input_tokens >= by_step["answer"].input_tokens + 500
    assert by_step["escalate"].input_tokens > by_step["answer"].input_tokens
    assert hops(decided(under("cascade"), tokens=89_000, max_output_tokens=500)) == ["answer:huge"]


@pytest.mark.row("E7")
def test_who_cannot_hold_the_draft_does_not_verify() -> None:
    rules = policy(planned("cascade", FAST, Role("strong", model("tight", window_tokens=3_600), (HUGE,))))
    assert [one for one in hops(decided(rules)) if one.startswith("verify")] == ["verify:huge"]


@pytest.mark.row("E9")
def test_without_a_fast_model_the_stronger_one_answers() -> None:
    decision = decided(under("cascade"), runtime=cooling("small", "other"))
    assert (decision.plan, hops(decision)) == ("single", ["answer:large", "answer:huge"])
    assert any("no fast model" in reason for reason in decision.reasons)


@pytest.mark.row("E9")
def test_without_a_stronger_model_the_fast_one_answers_unless_it_must_be_verified() -> None:
    away = cooling("large", "huge")
    assert hops(decided(under("cascade"), runtime=away)) == ["answer:small", "answer:other"]
    refused = decided(under("cascade", must_verify=True), runtime=away)
    assert not refused.hops
    assert refusal(refused).status == 503


@pytest.mark.row("E6")
def test_a_pin_has_no_hop_but_its_own() -> None:
    pin = Role("pinned", LARGE, pinned=True)
    rules = policy(planned("single", pin, None, contract={"type": "object"}), extra=[SMALL])
    decision = decided(rules, needs_compliance_check=True, model="small")
    assert hops(decision) == ["answer:large", "escalate:large"]
    assert [one.model for one in decision.rejected] == ["small"]


@pytest.mark.row("C7")
def test_passages_are_sized_before_they_are_found() -> None:
    rules = policy(planned("single", FAST, None, collection="c"))
    rules = replace(rules, collections={"c": Collection("c", "sqlite", passages=2, most_characters=500)})
    bare = decided(policy(planned("single", FAST, None)))
    assert decided(rules).hops[0].input_tokens > bare.hops[0].input_tokens + 1_000


@pytest.mark.parametrize(("asked", "limit"), [(None, 900), (700, 700), (1_000, 900)])
def test_the_lower_ceiling_holds(asked: int | None, limit: int) -> None:
    decision = decided(under("cascade", ceiling_microusd=900), max_cost_microusd=asked)
    assert decision.terms.ceiling_microusd == limit
    assert all(hop.worst_cost_microusd <= limit for hop in decision.hops)


def test_a_verifier_may_take_the_time_that_verifying_has() -> None:
    slow = Role("strong", model("slow", window_tokens=90_000, typical_latency_ms=30_000))
    assert "verify:slow" in hops(decided(policy(planned("verify", FAST, slow, verify_within_ms=60_000))))
    assert "verify:slow" not in hops(decided(policy(planned("cascade", FAST, slow))))
