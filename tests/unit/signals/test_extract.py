"""All signals of one request under one policy."""

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signalbox.contracts.conversations import Snapshot, Spoken
from signalbox.contracts.messages import Tool
from signalbox.contracts.signals import TokenCount
from signalbox.contracts.tags import Tags
from signalbox.decision.sizing import profile_tokens
from signalbox.policy.resolved import ComplexityRule, ConfidenceRule, Policy, Role, TaggerRules
from signalbox.signals.extract import extract, window_thresholds
from signalbox.signals.variables import BASE_VARIABLES, CONFIDENCE_VARIABLES, ENUMS, VARIABLES, variables
from tests.builders import NOW, Holds, model, policy, request, route, said, signals

TAGS = Tags(
    p_fast=0.8,
    p_trivial=0.3,
    p_extended=0.1,
    intent="refund",
    intent_confidence=0.7,
    billing_dispute=0.2,
    compliance=0.1,
    workload="extract",
    workload_confidence=0.9,
)

TYPES = {"int": int, "double": float, "bool": bool, "string": str}


class Records(Holds):
    """Holds never; keeps the variables that it was shown."""

    seen: dict[str, Any]

    def matches(self, variables: Mapping[str, Any]) -> bool:
        object.__setattr__(self, "seen", dict(variables))
        return False


def plain(**fields: Any) -> Policy:
    return replace(policy(route(Role("fast", model("small")))), **fields)


def test_facts_come_from_the_request() -> None:
    messages = (said("be kind", "system"), said("hi"), said("hello", "assistant"), said("ACME owes\nBeta 1; x"))
    asked = request(
        messages=messages,
        tools=(Tool(name="t"),),
        workload="extract",
        priority="high",
        escalation=True,
        needs_compliance_check=True,
        max_output_tokens=9,
        deadline_ms=700,
        tier="gold",
    )
    found = extract(asked, plain(entities={"names": re.compile("ACME|Beta")}), NOW)
    assert (found.convo_length, found.workload, found.priority, found.tier) == (3, "extract", "high", "gold")
    assert (found.has_tools, found.escalation, found.needs_compliance_check) == (True, True, True)
    assert (found.max_output_tokens, found.deadline_ms, found.hour) == (9, 700, 12)
    assert (found.distinct_entities, found.tail_newline, found.has_code) == (2, True, False)
    assert found.entropy > 3


@pytest.mark.row("A5")
def test_a_snapshot_speaks_for_the_whole_conversation() -> None:
    """Its words come from the new turns, its figures from the snapshot."""
    snapshot = Snapshot(messages=21, convo_length=20, tokens=900)
    found = extract(request("ACME?", snapshot=snapshot), plain(entities={"names": re.compile("ACME")}), NOW)
    assert (found.convo_length, found.tokens.value, found.tokens.exact) == (20, 900, True)
    assert (found.tokens.framing, found.distinct_entities) == (3 + 4 * 21, 1)


def test_text_signals_are_of_the_latest_user_turn() -> None:
    messages = (said("first\n"), said("aaaa"), said("b\nc", "assistant"))
    found = extract(request(messages=messages), plain(), NOW)
    assert (found.entropy, found.tail_newline) == (0.0, False)


def test_no_user_turn_is_an_empty_text() -> None:
    found = extract(request(messages=(said("only\nrules", "system"),)), plain(), NOW)
    assert (found.convo_length, found.entropy, found.tail_newline, found.workload) == (0, 0.0, False, "chat")


def test_hour_is_utc() -> None:
    late = datetime(2026, 11, 21, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert extract(request(), plain(), late).hour == 4


@pytest.mark.row("A1")
def test_the_first_rule_that_holds_names_the_complexity() -> None:
    rules = (
        ComplexityRule(Holds({"convo_length": 2}), "bounded"),
        ComplexityRule(Holds({"convo_length": 1}), "trivial"),
        ComplexityRule(None, "extended"),
    )
    asked = [request(messages=tuple(said("hi") for _ in range(turns))) for turns in (1, 2, 3)]
    assert [extract(one, plain(complexity=rules), NOW).complexity for one in asked] == [
        "trivial",
        "bounded",
        "extended",
    ]


@pytest.mark.row("B1")
def test_confidence_rules_see_the_complexity_and_the_caller_overrides_them() -> None:
    set_up = plain(
        complexity=(ComplexityRule(None, "trivial"),),
        confidence=(ConfidenceRule(Holds({"complexity": "trivial"}), 0.9), ConfidenceRule(None, 0.2)),
    )
    assert extract(request(), set_up, NOW).confidence == 0.9
    assert extract(request(confidence=0.0), set_up, NOW).confidence == 0.0


def test_without_a_rule_nothing_speaks_for_a_small_model() -> None:
    found = extract(request(), plain(), NOW)
    assert (found.complexity, found.confidence) == ("extended", 0.0)


def test_rules_see_the_declared_variables_and_types() -> None:
    complexity, confidence = Records(), Records()
    rules = {"complexity": (ComplexityRule(complexity, "trivial"),), "confidence": (ConfidenceRule(confidence, 1.0),)}
    extract(request(""), plain(**rules, tagged=True), NOW)
    shown = variables(signals(tags=TAGS))
    for seen, declared in (
        (complexity.seen, BASE_VARIABLES),
        (confidence.seen, CONFIDENCE_VARIABLES),
        (shown, VARIABLES),
    ):
        assert {name: type(value) for name, value in seen.items()} == {n: TYPES[t] for n, t in declared.items()}


def test_variables_say_what_the_signals_say() -> None:
    counted = TokenCount(value=7, lower=5, upper=9, exact=False)
    named = variables(signals(tokens=1).model_copy(update={"tokens": counted, "deadline_ms": 30}))
    assert (named["token_count"], named["deadline_ms"], named["max_output_tokens"]) == (7, 30, 0)
    assert ENUMS["complexity"] == ("trivial", "bounded", "extended")
    assert ENUMS["priority"] == ("low", "normal", "high")
    assert set(ENUMS) <= set(VARIABLES)


@pytest.mark.row("E7")
@example(window=19_938, factor=0.56, prompt=0, asked=None, framing=0)  # a division that rounds up
@given(
    st.integers(1, 40_000),
    st.floats(0.5, 3),
    st.integers(0, 300),
    st.one_of(st.none(), st.integers(1, 9_000)),
    st.integers(0, 200),
)
def test_window_thresholds_are_where_sizing_changes_its_mind(
    window: int, factor: float, prompt: int, asked: int | None, framing: int
) -> None:
    one = model("m", window_tokens=window, token_factor=factor, system_prompt="p" * prompt)
    set_up = policy(route(Role("r", one)))

    def fits(tokens: int) -> bool:
        return math.ceil((tokens + framing) * factor) + profile_tokens(one.profile) + (asked or 100) <= window

    found = window_thresholds(set_up, asked, framing)
    if not found:
        assert not fits(0)
        return
    (edge,) = found
    assert fits(edge)
    assert not fits(edge + 1)


@pytest.mark.row("E7")
def test_counts_are_exact_near_a_window_and_wherever_a_price_limit_reigns() -> None:
    text = "word " * 600
    near = policy(route(Role("r", model("m", window_tokens=1_000))))
    far = policy(route(Role("r", model("m", window_tokens=100_000))))
    capped = policy(route(Role("r", model("m", window_tokens=100_000)), cost=500))
    assert [extract(request(text), one, NOW).tokens.exact for one in (near, far, capped)] == [True, False, True]
    assert extract(request(text), replace(far, needs_exact_tokens=True), NOW).tokens.exact
    assert extract(request(text), replace(far, token_thresholds=(900,)), NOW).tokens.exact


@pytest.mark.row("C1")
def test_convo_length_counts_user_and_assistant_turns() -> None:
    turns = [said("t", role) for role in ("system", "user", "assistant", "tool", "user")]
    assert extract(request(messages=tuple(turns)), plain(), NOW).convo_length == 3


@pytest.mark.row("B7", "A1")
def test_a_policy_that_asks_for_no_tags_gets_none_and_one_that_does_gets_them_of_the_whole_conversation() -> None:
    assert extract(request("Why was I charged twice?"), plain(), NOW).tags is None
    asked = request(
        messages=(said("why was I charged twice for one order?"), said("On which day?", "assistant"), said("monday"))
    )
    alone, within = (extract(one, plain(tagged=True), NOW).tags for one in (request("monday"), asked))
    assert alone
    assert within
    assert within.billing_dispute > alone.billing_dispute


@pytest.mark.row("A1", "B9")
def test_a_follow_up_under_an_id_is_read_with_the_last_words_of_its_conversation() -> None:
    whole = (said("why was I charged twice for one order?"), said("On which day?", "assistant"), said("monday"))
    recent = (Spoken(user=True, text=whole[0].text), Spoken(user=False, text=whole[1].text))
    snapshot = Snapshot(messages=3, convo_length=3, tokens=20)
    by_id = request("monday", snapshot=snapshot, recent=recent)
    assert (
        extract(by_id, plain(tagged=True), NOW).tags == extract(request(messages=whole), plain(tagged=True), NOW).tags
    )


@pytest.mark.row("B9")
def test_confidence_may_be_the_taggers_and_the_callers_comes_before_it() -> None:
    trusting = plain(confidence=(ConfidenceRule(None, "p_fast"),), tagged=True)
    found = extract(request("hello"), trusting, NOW)
    assert found.tags
    assert found.confidence == found.tags.p_fast
    assert extract(request("hello", confidence=0.1), trusting, NOW).confidence == 0.1


def test_a_guessed_workload_counts_from_the_policys_threshold_on_and_never_over_the_callers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("signalbox.tagger.tag.tag", lambda turns, before=0: TAGS)
    for threshold, guessed in ((None, "chat"), (0.9, "extract"), (0.91, "chat")):
        one = plain(tagger=TaggerRules(threshold), tagged=True)
        assert extract(request("x"), one, NOW).workload == guessed
        assert extract(request("x", workload="summarize"), one, NOW).workload == "summarize"
