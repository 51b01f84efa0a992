"""Plans with several calls, from the request to the reply, over the machine's own definition and stores in memory."""

import json
from dataclasses import replace
from typing import Any

import pytest

from signalbox.contracts.adapters import AdapterResult
from signalbox.contracts.decisions import Plan
from signalbox.contracts.messages import Tool, ToolCall
from signalbox.contracts.requests import Sampling
from signalbox.execution.cascade.begin import start_of
from signalbox.execution.cascade.conclude import conclude
from signalbox.execution.cascade.settle import _with_lost
from signalbox.execution.served import Served
from signalbox.ledger.died import died
from signalbox.policy.resolved import Collection, Policy, Role
from signalbox.quotas.settled import booked_microusd
from tests.builders import failure, model, planned, policy, reply, route
from tests.unit.execution.serving import Desk, desk

SMALL, LARGE = model("small"), model("large", window_tokens=50_000)
FAST, STRONG = Role("fast", SMALL), Role("strong", LARGE)
SURE, UNSURE, HOPELESS = 0.99, 0.8, 0.05
TERMS: dict[str, Any] = {"accept": 0.7, "escalate": 0.5}


def under(plan: Plan, script: dict[str, list[AdapterResult]] | None = None, **terms: Any) -> Desk:
    """A desk with one route of ``plan``."""
    return desk(policy(planned(plan, FAST, STRONG, **(TERMS | terms))), script)


def verdict(kind: str, answer: str | None = None) -> AdapterResult:
    return reply("large", json.dumps({"verdict": kind, "answer": answer}))


def pick(number: int, answer: str | None = None) -> AdapterResult:
    return reply("large", json.dumps({"pick": number, "answer": answer}))


def text_of(served: Served) -> str:
    assert served.answer is not None, served.error
    return served.answer.reply.text


def facts_of(served: Served) -> dict[str, Any]:
    assert served.answer is not None, served.error
    return served.answer.facts


def with_documents(rules: Policy) -> Policy:
    return replace(rules, collections={"c": Collection("c", "sqlite")})


# -- cascade ---------------------------------------------------------------------------------------


@pytest.mark.row("A3")
@pytest.mark.row("C5")
def test_a_sure_reply_is_final_at_once() -> None:
    at = under("cascade")
    served = at.ask(confidence=SURE)
    assert at.calls == ["small"]
    assert facts_of(served)["resolution"] == "accepted"
    assert facts_of(served)["status"] == "final"
    assert facts_of(served)["reply_confidence"] >= 0.7


@pytest.mark.row("E4")
def test_a_hopeless_one_is_answered_anew_by_the_stronger_model() -> None:
    at = under("cascade", {"large": [reply("large", "better")]})
    served = at.ask(confidence=HOPELESS)
    assert (at.calls, text_of(served)) == (["small", "large"], "better")
    assert facts_of(served)["resolution"] == "escalated"


@pytest.mark.row("A11")
@pytest.mark.parametrize(
    ("looked", "text", "resolution"),
    [
        (verdict("confirm"), "fine", "confirmed"),
        (verdict("correct", "finer"), "finer", "corrected"),
        (verdict("replace", "other"), "other", "replaced"),
    ],
)
def test_in_between_it_is_verified(looked: AdapterResult, text: str, resolution: str) -> None:
    at = under("cascade", {"large": [looked]})
    served = at.ask(confidence=UNSURE)
    assert (at.calls, text_of(served), facts_of(served)["resolution"]) == (["small", "large"], text, resolution)


@pytest.mark.row("E3")
def test_every_step_attempt_and_price_is_on_record() -> None:
    at = under("cascade", {"large": [verdict("confirm")]})
    served = at.ask(confidence=UNSURE)
    (entry,) = at.ledger.entries
    assert [one.step for one in entry.steps] == ["fast_pass", "judge", "verify", "integrity"]
    assert [(one.model, one.attempt) for one in entry.attempts] == [("small", ""), ("large", "verify")]
    assert (entry.state, entry.resolution, entry.booked_microusd) == ("settled", "confirmed", 14)
    assert served.outcome.cost_microusd == 14
    assert entry.confidence is not None


@pytest.mark.row("E3")
@pytest.mark.parametrize("broken", ["Verify", "Judge", "Integrity", "Settle"])
def test_a_step_that_fails_leaves_the_best_reply(broken: str) -> None:
    at = under("cascade", {"large": [verdict("confirm")]})
    at.machine.broken[broken] = "Lambda.Unknown"
    served = at.ask(confidence=UNSURE)
    assert text_of(served) == "fine"
    assert facts_of(served)["resolution"] == ("unverified" if broken == "Verify" else "confirmed")
    assert all(one.state == "settled" for one in at.ledger.entries)


@pytest.mark.parametrize("name", ["ContextOverflow", "ProviderUnavailable", "RateLimited", "ContentRefused"])
def test_a_verifier_that_cannot_leaves_the_fast_reply_and_says_so(name: Any) -> None:
    at = under("cascade", {"large": [failure("large", name)]})
    facts = facts_of(at.ask(confidence=UNSURE))
    assert facts["resolution"] == "unverified"
    assert name in facts["resolution_reason"]


def test_a_verdict_that_cannot_be_read_is_none() -> None:
    at = under("cascade", {"large": [reply("large", "I would say so")]})
    assert facts_of(at.ask(confidence=UNSURE))["resolution"] == "unverified"


@pytest.mark.row("E4")
def test_where_the_policy_demands_verification_no_reply_goes_without() -> None:
    at = under("cascade", {"large": [failure("large", "ProviderUnavailable")]}, must_verify=True)
    served = at.ask(confidence=SURE)
    assert served.answer is None
    assert served.error is not None
    assert (served.error.status, served.error.code) == (503, "not_verified")
    assert under("cascade", {"large": [verdict("confirm")]}, must_verify=True).ask(confidence=SURE).answer is not None


def test_a_fast_model_that_fails_escalates() -> None:
    at = under("cascade", {"small": [failure("small", "ProviderUnavailable")], "large": [reply("large", "strong")]})
    served = at.ask(confidence=SURE)
    assert (text_of(served), facts_of(served)["resolution"]) == ("strong", "escalated")


@pytest.mark.parametrize(
    "name_of",
    ["ProviderUnavailable", "ContentRefused", "RateLimited", "ContextOverflow", "DeadlineExceeded", "InvalidRequest"],
)
def test_when_nobody_replies_the_error_is_the_one_that_a_single_model_gives(name_of: Any) -> None:
    for plan in ("cascade", "verify"):
        script = {name: [failure(name, name_of)] for name in ("small", "large")}
        served = under(plan, script).ask()
        assert served.error is not None
        single = desk(policy(route(FAST)), {"small": [failure("small", name_of)]}).ask().error
        assert single is not None
        assert (served.error.status, served.error.code) == (single.status, single.code)


@pytest.mark.row("C3")
@pytest.mark.parametrize(("takes_ms", "calls"), [(9_950, ["small"]), (4_000, ["small", "large"])])
def test_the_deadline_ends_it_with_what_there_is(takes_ms: int, calls: list[str]) -> None:
    at = under("cascade", {"large": [verdict("confirm")]})
    at.invoker.takes_ms = takes_ms
    served = at.ask(confidence=UNSURE)
    assert at.calls == calls
    assert text_of(served) == "fine"
    assert facts_of(served)["resolution"] == ("unverified" if len(calls) == 1 else "confirmed")


@pytest.mark.row("E3")
def test_the_ceiling_is_never_passed() -> None:
    """Room for the fast hop alone: who verifies costs more than is left."""
    whole = under("cascade").ask(confidence=UNSURE)
    assert whole.decision is not None
    fast = whole.decision.hops_for("answer")[0].worst_cost_microusd
    strong = whole.decision.hops_for("verify")[0].worst_cost_microusd
    ceiling = max(fast, strong)
    at = under("cascade", {"small": [reply("small", cost_microusd=fast)] * 3}, ceiling_microusd=ceiling)
    served = at.ask(confidence=UNSURE)
    assert at.calls == ["small"]
    assert facts_of(served)["resolution"] == "unverified"
    assert "CostCeilingReached" in facts_of(served)["resolution_reason"]
    assert served.outcome.cost_microusd <= ceiling


@pytest.mark.row("E3")
def test_without_the_machine_the_router_goes_the_shortest_way() -> None:
    at = under("cascade")
    at.machine.reachable = False
    assert facts_of(at.ask(confidence=SURE))["resolution"] == "unverified"
    assert (at.calls, at.ledger.entries[0].booked_microusd) == (["small"], 7)
    at = under("cascade", {"large": [reply("large", "strong")]}, must_verify=True)
    at.machine.reachable = False
    served = at.ask(confidence=SURE)
    assert (text_of(served), facts_of(served)["resolution"]) == ("strong", "escalated")
    at = under("cascade", {name: [failure(name, "ProviderUnavailable")] for name in ("small", "large")})
    at.machine.reachable = False
    assert at.ask().error is not None
    assert all(one.state == "settled" and one.booked_microusd == 0 for one in at.ledger.entries)


@pytest.mark.row("E2")
def test_after_the_end_no_step_buys_anything() -> None:
    """A machine that was given up and runs all the same."""
    at = under("cascade")
    at.ask(confidence=SURE)
    (kept,) = at.replies.kept.values()
    kept.begun.clear()
    kept.results.clear()
    at.machine.run(start_of(kept.job, "fast_pass"), 1_000)
    assert at.calls == ["small"]


@pytest.mark.row("A17")
def test_a_call_of_tools_is_not_verified_by_its_words() -> None:
    called = reply("small", "")
    assert called.reply is not None
    tools = (ToolCall(id="c1", name="get_bill", arguments="{}"),)
    calls = AdapterResult(reply=called.reply.model_copy(update={"tool_calls": tools, "finish_reason": "tool_calls"}))
    offered = (Tool(name="get_bill"),)
    at = under("rerank", {"small": [calls] * 3, "large": [pick(0, "prose")]}, samples=3)
    served = at.ask(tools=offered)
    assert served.answer is not None
    assert served.answer.reply.tool_calls == tools
    at = under("cascade", {"small": [calls], "large": [verdict("replace", "prose")] * 2})
    at.machine.broken["Judge"] = "Broken"
    served = at.ask(tools=offered)
    assert served.answer is not None
    assert served.answer.reply.tool_calls == tools


@pytest.mark.row("A11")
@pytest.mark.row("C3")
@pytest.mark.parametrize("plan", ["cascade", "verify"])
def test_a_fast_model_that_hangs_leaves_time_for_the_stronger_one(plan: Plan) -> None:
    script = {"small": [failure("small", "DeadlineExceeded")], "large": [reply("large", "strong")]}
    at = under(plan, script)
    served = at.ask(confidence=SURE)
    assert text_of(served) == "strong"
    assert at.invoker.calls[0].deadline_ms <= 9_000


@pytest.mark.row("E3")
def test_a_step_is_never_bought_twice() -> None:
    """The same execution again, as Express may start it: what was done stands."""
    at = under("cascade", {"large": [verdict("confirm")]})
    at.ask(confidence=UNSURE)
    (kept,) = at.replies.kept.values()
    at.machine.run(start_of(kept.job, "fast_pass"), 1_000)
    assert at.calls == ["small", "large"]
    (entry,) = at.ledger.entries
    assert entry.booked_microusd == 14


@pytest.mark.row("E3")
def test_a_step_whose_process_died_is_not_bought_again_and_is_booked_at_its_worst() -> None:
    at = under("cascade")
    at.ask(confidence=SURE)
    (key,), (kept,) = at.replies.kept.keys(), at.replies.kept.values()
    kept.results.clear()
    entry = at.ledger.entries[0].model_copy(update={"attempts": ()})
    worst = kept.job.decision.hops_for("answer")[0].worst_cost_microusd
    kept.begun = {"fast_pass-1"}
    progress = at.replies.progress(*key)
    assert progress is not None
    assert booked_microusd(_with_lost(entry, progress, [])) == worst


# -- self-check and samples ------------------------------------------------------------------------


@pytest.mark.row("B7")
def test_the_fast_model_is_asked_whether_it_stands_by_its_reply() -> None:
    at = under("cascade", {"small": [reply("small", "fine"), reply("small", "yes")]}, self_check=True)
    assert facts_of(at.ask(confidence=SURE))["resolution"] == "accepted"
    assert [call.attempt for call in at.invoker.calls] == ["", "self_check"]
    at = under("cascade", {"small": [reply("small", "fine"), reply("small", "no")]}, self_check=True)
    assert at.ask(confidence=0.95).outcome.resolution != "accepted"


@pytest.mark.row("A11")
def test_rerank_picks_among_candidates_or_merges() -> None:
    drafts = [reply("small", text) for text in ("one", "two", "three")]
    at = under("rerank", {"small": drafts, "large": [pick(2)]}, samples=3)
    served = at.ask()
    assert facts_of(served)["resolution"] == "picked"
    assert text_of(served) in ("one", "two", "three")
    assert sorted(call.attempt for call in at.invoker.calls) == ["", "sample-2", "sample-3", "verify"]
    (entry,) = at.ledger.entries
    assert entry.booked_microusd == 28
    at = under("rerank", {"small": drafts[:], "large": [pick(0, "merged")]}, samples=3)
    assert facts_of(at.ask())["resolution"] == "merged"
    at = under("rerank", {"small": [reply("small")] * 3, "large": [pick(9)]}, samples=3)
    assert facts_of(at.ask())["resolution"] == "unverified"


# -- verify ----------------------------------------------------------------------------------------


@pytest.mark.row("A11")
def test_the_fast_reply_is_given_at_once_and_verified_later() -> None:
    at = under("verify", {"large": [verdict("replace", "right")]})
    served = at.ask(confidence=UNSURE)
    assert (at.calls, text_of(served)) == (["small"], "fine")
    assert facts_of(served)["status"] == "preliminary"
    assert facts_of(served)["reply_path"] == "/replies/req_001"
    (entry,) = at.ledger.entries
    assert entry.state == "open"
    at.machine.go_on()
    found = at.replies.head("alice", "req_001")
    assert found is not None
    assert found[1] is not None
    assert found[1].reply is not None
    assert (found[1].reply.text, found[1].resolution) == ("right", "replaced")
    (entry,) = at.ledger.entries
    assert (entry.state, entry.booked_microusd) == ("settled", 14)


@pytest.mark.row("A11")
@pytest.mark.row("A12")
@pytest.mark.parametrize(("plan", "kept"), [("single", 1), ("cascade", 0), ("verify", 0)])
def test_replies_of_plans_are_never_cached(plan: Plan, kept: int) -> None:
    rules = policy(planned(plan, FAST, STRONG, **TERMS))
    at = desk(replace(rules, cache=replace(rules.cache, deterministic=True)))
    at.ask(sampling=Sampling(temperature=0.0), confidence=SURE)
    assert len(at.once.kept) == kept


@pytest.mark.row("E3")
def test_a_step_that_somebody_else_has_begun_is_waited_for_and_not_bought() -> None:
    at = under("verify")
    at.ask(confidence=UNSURE)
    at.replies.begin("alice", "req_001", "verify-1")
    began_ms = at.clock.now_ms()
    at.machine.go_on()
    assert at.calls == ["small"]
    assert at.clock.now_ms() - began_ms >= 59_000
    (entry,) = at.ledger.entries
    worst = sum(hop.worst_cost_microusd for hop in entry.decision.hops_for("verify")) if entry.decision else 0
    assert entry.booked_microusd == 7 + worst


@pytest.mark.row("E6")
def test_the_end_gives_no_reply_from_outside_the_pin() -> None:
    at = under("cascade", {"large": [reply("large", "better")]})
    at.ask(confidence=HOPELESS)
    (kept,) = at.replies.kept.values()
    bound = kept.job.model_copy(update={"decision": kept.job.decision.model_copy(update={"pinned": True})})
    ended = conclude(kept.progress.model_copy(update={"job": bound, "conclusion": None}), 0)
    assert ended.reply is not None
    assert ended.reply.model == "small"


@pytest.mark.row("A11")
def test_nobody_to_verify_is_said_at_once() -> None:
    at = under("verify")
    at.machine.reachable = False
    served = at.ask(confidence=UNSURE)
    assert facts_of(served)["status"] == "final"
    assert facts_of(served)["resolution"] == "unverified"
    at = under("verify", must_verify=True)
    at.machine.reachable = False
    refused = at.ask(confidence=UNSURE)
    assert refused.error is not None
    assert refused.error.code == "not_verified"


def test_under_verify_a_fast_model_that_fails_is_replaced_at_once() -> None:
    at = under("verify", {"small": [failure("small", "ProviderUnavailable")], "large": [reply("large", "strong")]})
    served = at.ask()
    assert (text_of(served), facts_of(served)["status"]) == ("strong", "final")
    assert all(one.state == "settled" for one in at.ledger.entries)


# -- what a reply owes -----------------------------------------------------------------------------

MERCHANT = {
    "type": "object",
    "properties": {"merchant_id": {"type": "integer"}},
    "required": ["merchant_id"],
    "additionalProperties": False,
}
BROKEN, WHOLE = '{"merchant_id": "N/A"}', '{"merchant_id": 7}'


@pytest.mark.row("B6")
@pytest.mark.parametrize("plan", ["single", "cascade"])
def test_a_broken_contract_escalates_once_with_the_break_told(plan: Plan) -> None:
    script = {"small": [reply("small", BROKEN)], "large": [reply("large", WHOLE)]}
    at = under(plan, script, contract=MERCHANT)
    served = at.ask(confidence=SURE)
    assert text_of(served) == WHOLE
    assert at.calls == ["small", "large"]
    told = at.invoker.calls[-1].messages[-1].text
    assert 'field_mismatch merchant_id expected=INT got=STRING value="N/A"' in told


@pytest.mark.row("B6")
@pytest.mark.parametrize("plan", ["single", "cascade"])
def test_a_contract_that_nobody_meets_is_an_error_and_no_reply(plan: Plan) -> None:
    script = {"small": [reply("small", BROKEN)], "large": [reply("large", BROKEN)] * 2}
    at = under(plan, script, contract=MERCHANT)
    served = at.ask(confidence=SURE)
    assert served.answer is None
    assert served.error is not None
    assert (served.error.status, served.error.code) == (422, "contract_broken")
    assert "field_mismatch merchant_id" in served.error.message
    assert at.calls == ["small", "large"]
    assert all("N/A" not in one.model_dump_json() for one in at.ledger.entries)


@pytest.mark.row("A8")
@pytest.mark.row("E6")
def test_what_is_pinned_goes_back_to_the_pin_alone() -> None:
    pinned = Role("pinned", LARGE, pinned=True)
    rules = with_documents(policy(planned("single", pinned, None, citations=1, collection="c"), extra=[SMALL]))
    at = desk(rules, {"large": [reply("large", "Yes."), reply("large", "Yes [doc:refunds.1].")]})
    served = at.ask(needs_compliance_check=True)
    assert text_of(served) == "Yes [doc:refunds.1]."
    assert at.calls == ["large", "large"]
    assert "citation_sources_count=0 expected>=1" in at.invoker.calls[1].messages[-1].text
    at = desk(rules, {"large": [reply("large", "Yes."), reply("large", "Yes [doc:none].")]})
    refused = at.ask(needs_compliance_check=True)
    assert refused.error is not None
    assert refused.error.status == 422
    assert "MissingReference" in refused.error.message


@pytest.mark.row("C7")
def test_documents_that_cannot_be_found_stop_what_must_cite_them() -> None:
    rules = with_documents(policy(planned("single", FAST, STRONG, citations=1, collection="c")))
    at = desk(rules)
    at.shelf.lost = True
    refused = at.ask()
    assert refused.error is not None
    assert refused.error.code == "retrieval_unavailable"
    assert at.calls == []
    assert all(one.state == "settled" and one.booked_microusd == 0 for one in at.ledger.entries)
    rules = with_documents(policy(planned("single", FAST, STRONG, collection="c")))
    at = desk(rules)
    at.shelf.lost = True
    assert at.ask().answer is not None


@pytest.mark.row("E6")
def test_a_conversation_stays_bound() -> None:
    pin = Role("pinned", LARGE, pinned=True)
    at = desk(policy(route(pin, "bound", needs_compliance_check=True), route(FAST)))
    at.ask("the secret", conversation_id="c", needs_compliance_check=True)
    at.ask("and now?", conversation_id="c")
    at.ask("hello")
    assert at.calls == ["large", "large", "small"]


@pytest.mark.row("E6")
def test_a_conversation_of_one_pin_goes_to_no_other() -> None:
    pins = Role("pin-a", LARGE, pinned=True), Role("pin-b", SMALL, pinned=True)
    at = desk(policy(route(pins[0], "a", needs_compliance_check=True, lane="health"), route(pins[1], "b")))
    at.ask("the secret", conversation_id="c", needs_compliance_check=True, lane="health")
    refused = at.ask("and now?", conversation_id="c", needs_compliance_check=True)
    assert refused.error is not None
    assert refused.error.code == "compliance_bound_elsewhere"
    assert at.calls == ["large"]


def test_who_asks_for_a_model_gets_it_and_no_plan() -> None:
    at = under("cascade")
    served = at.ask(model="large", confidence=HOPELESS)
    assert at.calls == ["large"]
    assert facts_of(served)["plan"] == "single"


@pytest.mark.row("E4")
def test_where_verification_is_demanded_nobody_gets_around_it() -> None:
    at = under("cascade", must_verify=True)
    refused = at.ask(model="small", confidence=SURE)
    assert refused.error is not None
    assert (refused.error.status, at.calls) == (503, [])
    assert text_of(under("cascade", must_verify=True).ask(model="large")) == "fine"


@pytest.mark.row("E4")
def test_nobody_verifies_his_own_draft() -> None:
    strong = Role("strong", LARGE, (SMALL,))
    at = desk(policy(planned("cascade", FAST, strong, **TERMS)), {"large": [failure("large", "ProviderUnavailable")]})
    assert facts_of(at.ask(confidence=UNSURE))["resolution"] == "unverified"
    assert at.calls == ["small", "large"]


@pytest.mark.row("A11")
def test_a_draft_that_was_found_wrong_does_not_stand() -> None:
    """The verifier's own text breaks the contract, and so does the second try: there is no reply then."""
    script = {"small": [reply("small", WHOLE)], "large": [verdict("replace", BROKEN), reply("large", BROKEN)]}
    at = under("cascade", script, contract=MERCHANT)
    served = at.ask(confidence=UNSURE)
    assert served.error is not None
    assert served.error.code == "contract_broken"


@pytest.mark.row("A11")
def test_rerank_goes_on_with_the_candidates_that_there_are() -> None:
    script = {"small": [failure("small", "MalformedReply"), reply("small", "two"), reply("small", "three")]}
    at = under("rerank", {**script, "large": [pick(2)]}, samples=3)
    assert facts_of(at.ask())["resolution"] == "picked"


@pytest.mark.row("E2")
@pytest.mark.parametrize("plan", ["single", "verify"])
def test_no_plan_passes_its_ceiling(plan: Plan) -> None:
    known = under(plan, contract=MERCHANT).ask()
    assert known.decision is not None
    fast, strong = (known.decision.hops_for(step)[0].worst_cost_microusd for step in ("answer", "escalate"))
    script = {"small": [reply("small", BROKEN, cost_microusd=fast)], "large": [reply("large", WHOLE)]}
    at = under(plan, script, contract=MERCHANT, ceiling_microusd=max(fast, strong))
    at.ask()
    assert at.calls == ["small"]


@pytest.mark.row("E1")
def test_a_key_whose_plan_is_still_worked_on_is_told_so() -> None:
    at = under("verify", {"large": [verdict("confirm")]})
    first = at.ask(key="k1", confidence=UNSURE)
    assert first.answer is not None
    at.once.kept.clear()  # the router died before it could keep the answer
    again = at.ask(key="k1", confidence=UNSURE)
    assert again.error is not None
    assert again.error.code == "request_in_flight"
    at.machine.go_on()
    assert text_of(at.ask(key="k1", confidence=UNSURE)) == "fine"
    assert at.calls == ["small", "large"]


@pytest.mark.row("E2")
def test_what_a_dead_plan_may_have_bought_is_booked_at_its_worst() -> None:
    at = under("verify")
    at.ask(confidence=UNSURE)
    (entry,) = at.ledger.entries
    assert entry.decision is not None
    later = sum(hop.worst_cost_microusd for hop in entry.decision.hops if hop.step != "answer")
    ended = died(entry, at.receipts.left, 0)
    assert booked_microusd(ended) == 7 + later


@pytest.mark.row("A12")
def test_what_is_erased_takes_its_plan_along() -> None:
    at = under("verify")
    at.ask(confidence=UNSURE, conversation_id="c")
    at.conversations.erase("alice", "c")
    assert at.replies.head("alice", "req_001") is None
