"""One request from its parsed form to its answer, over stores in memory."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from signalbox.contracts.adapters import AdapterReply, AdapterRequest, AdapterResult
from signalbox.contracts.answers import Answer
from signalbox.contracts.errors import Conflict, RateLimited, SignalboxError, Unavailable
from signalbox.contracts.ledger import AttemptFacts
from signalbox.contracts.messages import Message, TextPart, ToolCall
from signalbox.contracts.receipts import Receipt
from signalbox.contracts.requests import Sampling
from signalbox.contracts.runtime import ModelState
from signalbox.execution.serve import preview
from signalbox.idempotency.cache import CacheControl
from signalbox.policy.resolved import Budget, CacheRules, Gate, Limit, Role
from tests.builders import failure, reply, route, said
from tests.unit.execution.serving import FAST, LARGE, PLAIN, SMALL, Desk, desk

CACHED = replace(PLAIN, routes=(replace(PLAIN.routes[0], cache=True),))
PINNED = replace(PLAIN, routes=(replace(route(Role("compliance", SMALL, pinned=True)), cache=True),))


def error_of(served: object) -> SignalboxError:
    error = getattr(served, "error", None)
    assert isinstance(error, SignalboxError)
    return error


# -- the ledger ------------------------------------------------------------------------------------


@pytest.mark.row("B10")
def test_an_answer_is_on_record_with_what_it_cost() -> None:
    here = desk()
    served = here.ask()
    assert served.answer is not None
    (entry,) = here.ledger.entries
    assert (entry.state, entry.status, entry.booked_microusd) == ("settled", 200, 7)
    assert entry.decision is not None
    assert entry.decision.model == "small"
    assert [one.provider_request_id for one in entry.attempts] == ["p1"]
    assert entry.prompt is None
    assert entry.reply is None


@pytest.mark.row("B10")
def test_a_fallback_has_both_attempts_on_record() -> None:
    here = desk(script={"small": [failure("small", "ProviderUnavailable", status=500)]})
    here.ask()
    (entry,) = here.ledger.entries
    assert [(one.model, one.failure) for one in entry.attempts] == [("small", "ProviderUnavailable"), ("large", None)]


@pytest.mark.row("B10")
def test_a_refusal_is_on_record_too() -> None:
    here = desk()
    served = here.ask("word " * 60_000)
    assert error_of(served).code == "context_length_exceeded"
    (entry,) = here.ledger.entries
    assert (entry.status, entry.error, entry.reserved_microusd) == (422, "context_length_exceeded", 0)


def test_text_is_kept_only_where_the_route_says() -> None:
    rules = replace(PLAIN, routes=(replace(PLAIN.routes[0], keep_text=True),))
    here = desk(rules)
    here.ask("please remember")
    (entry,) = here.ledger.entries
    assert "please remember" in (entry.prompt or "")
    assert "fine" in (entry.reply or "")


def test_a_reply_is_given_though_it_could_not_be_settled() -> None:
    down = {"now": False}
    here = desk(faults=lambda: "lost" if down["now"] else None)
    invoke = here.invoker.invoke

    def replied(request: AdapterRequest) -> AdapterResult:
        down["now"] = True
        return invoke(request)

    here.invoker.invoke = replied  # type: ignore[method-assign]
    served = here.ask()
    assert served.answer is not None
    assert served.unrecorded
    down["now"] = False
    (entry,) = here.ledger.entries
    assert entry.state == "open"  # the reconciler's, once its lease is over


def test_nothing_is_asked_while_the_ledger_is_down() -> None:
    here = desk(faults=lambda: "lost")
    error = error_of(here.ask())
    assert isinstance(error, Unavailable)
    assert error.code == "state_unavailable"
    assert here.calls == []


@pytest.mark.row("E2")
def test_what_may_have_been_billed_is_booked_by_its_receipt() -> None:
    here = desk(script={"small": [failure("small", "DeadlineExceeded")]})
    (worst, _) = (hop.worst_cost_microusd for hop in preview(here.asked("hello").request, here.services).hops)
    here.ask()
    assert here.ledger.entries[0].booked_microusd == worst + 7
    invoke = here.invoker.invoke

    def lost(request: AdapterRequest) -> AdapterResult:
        """The adapter answered and left its receipt; its reply was lost on the way."""
        if request.model == "small":
            facts, under = AttemptFacts(model="small", cost_microusd=3), request.receipt or ""
            here.receipts.left.append(Receipt(receipt=under, request_id=request.request_id, attempt=facts))
        return invoke(request)

    here.invoker.script["small"] = [failure("small", "DeadlineExceeded")]
    here.invoker.invoke = lost  # type: ignore[method-assign]
    here.ask()
    assert here.ledger.entries[1].booked_microusd == 3 + 7


# -- the same request once -------------------------------------------------------------------------


@pytest.mark.row("E1")
def test_a_key_gives_its_answer_again() -> None:
    here = desk()
    first, second = here.ask(key="k"), here.ask(key="k")
    assert first.answer == second.answer
    assert here.calls == ["small"]
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["x-signalbox-cost-microusd"] == "0"
    replayed = here.ledger.entries[1]
    assert replayed.replay is not None
    assert (replayed.replay.by, replayed.replay.request_id) == ("idempotency", "req_001")
    assert replayed.booked_microusd == 0


@pytest.mark.row("E1")
def test_a_key_is_its_callers_own() -> None:
    here = desk()
    here.ask(key="k")
    assert here.ask(key="k", caller="bob").replay is None
    assert len(here.calls) == 2


@pytest.mark.row("E1")
def test_a_key_with_another_body_is_a_conflict() -> None:
    here = desk()
    here.ask("one", key="k")
    assert error_of(here.ask("two", key="k")).code == "idempotency_key_reuse"
    assert len(here.calls) == 1


@pytest.mark.row("E1")
def test_a_failure_leaves_the_key_free() -> None:
    down = [failure("small", "InvalidRequest")]
    here = desk(script={"small": [*down, reply("small")]})
    assert error_of(here.ask(key="k")).code == "provider_rejected_request"
    assert here.ask(key="k").answer is not None


@pytest.mark.row("E1")
@pytest.mark.row("E2")
def test_a_reply_that_was_paid_for_and_never_taken_is_found_again() -> None:
    """The process dies between the reply and everything after it; the key's lease ends; the caller comes back."""
    here = desk(replace(PLAIN, budgets=(Budget("caller", None, "day", 10_000),)))
    settle = here.ledger.settle
    here.ledger.settle = _dies(Died)  # type: ignore[method-assign]
    with pytest.raises(Died):
        here.ask(key="k")
    here.ledger.settle = settle  # type: ignore[method-assign]
    here.once.kept.clear()  # its lease is over
    served = here.ask(key="k")
    assert served.answer is not None
    assert served.answer.reply.text == "fine"
    assert here.calls == ["small"]
    died, taken = here.ledger.entries
    assert (died.state, died.error, died.booked_microusd) == ("settled", "request_died", 7)
    assert [(one.recovered, one.cost_microusd) for one in taken.attempts] == [(True, 7)]
    assert taken.booked_microusd == 0
    assert set(here.ledger.counters.values()) == {7}


def _dies(how: type[BaseException]) -> Callable[..., None]:
    def dying(*_: object) -> None:
        raise how

    return dying


class Died(BaseException):
    """As the process ends: nothing is tidied up."""


def dying(here: Desk, method: str, **asked: Any) -> None:
    """One request of the key ``k`` whose process dies as it comes to ``method`` of the ledger; its lease ends."""
    kept = getattr(here.ledger, method)
    setattr(here.ledger, method, _dies(Died))
    with pytest.raises(Died):
        here.ask(key="k", **asked)
    setattr(here.ledger, method, kept)
    here.once.kept.clear()
    here.clock.at_ms += 60_000


@pytest.mark.row("E6")
def test_a_reply_that_is_found_again_keeps_to_the_pin() -> None:
    here = desk(PLAIN)
    first, second = (here.under(replace(PLAIN, routes=(route(Role("c", one, pinned=True)),))) for one in (SMALL, LARGE))
    first.number, second.number = 100, 200
    dying(first, "settle")
    dying(second, "settle")
    served = first.ask(key="k")
    assert served.answer is not None
    assert served.answer.reply.model == "small"


@pytest.mark.row("A5")
@pytest.mark.row("E1")
def test_a_turn_that_was_appended_before_the_crash_is_not_appended_again() -> None:
    here = desk()
    here.ask("first", conversation_id="c")
    dying(here, "settle", text="second", conversation_id="c")
    served = here.ask("second", key="k", conversation_id="c")
    assert served.answer is not None
    assert served.answer.facts["conversation"]["version"] == 2
    here.ask("third", conversation_id="c")
    assert [one.text for one in here.invoker.calls[-1].messages] == ["first", "fine", "second", "fine", "third"]
    assert len(here.calls) == 3


@pytest.mark.row("A5")
@pytest.mark.row("E1")
def test_a_reply_to_an_older_history_is_not_given_to_a_newer_one() -> None:
    here = desk()
    here.ask("first", conversation_id="c")
    commit = here.conversations.commit
    here.conversations.commit = _dies(Died)  # type: ignore[method-assign,assignment]
    with pytest.raises(Died):
        here.ask("second", key="k", conversation_id="c")
    here.conversations.commit = commit  # type: ignore[method-assign]
    here.once.kept.clear()
    here.clock.at_ms += 60_000
    here.ask("in between", conversation_id="c")
    here.ask("second", key="k", conversation_id="c")
    assert [one.text for one in here.invoker.calls[-1].messages][-3:] == ["in between", "fine", "second"]
    died = here.ledger.entries[1]
    assert (died.state, died.booked_microusd) == ("settled", 7)


@pytest.mark.row("A12")
def test_a_reply_that_is_found_again_is_not_cached() -> None:
    here = desk(CACHED)
    dying(here, "settle")
    here.ask(key="k")
    assert here.ask().replay is None


@pytest.mark.row("E2")
def test_what_a_crash_leaves_unknown_is_booked_at_its_worst() -> None:
    here = desk(script={"small": [failure("small", "DeadlineExceeded")]})
    worst = preview(here.asked("hello").request, here.services).hops[0].worst_cost_microusd
    dying(here, "settle")
    here.ask(key="k")
    assert here.ledger.entries[0].booked_microusd == worst + 7


@pytest.mark.row("E2")
def test_an_opening_whose_answer_was_lost_holds_nothing() -> None:
    faulty = {"now": True}
    rules = replace(PLAIN, budgets=(Budget("caller", None, "day", 10_000),))
    here = desk(rules, faults=lambda: "unanswered" if faulty["now"] else None)
    opened = here.ledger.open

    def once_lost(entry: Any) -> Any:
        try:
            return opened(entry)
        finally:
            faulty["now"] = False

    here.ledger.open = once_lost  # type: ignore[method-assign]
    assert error_of(here.ask()).code == "state_unavailable"
    (entry,) = here.ledger.entries
    assert (entry.state, entry.booked_microusd) == ("settled", 0)
    assert set(here.ledger.counters.values()) == {0}
    assert here.calls == []


@pytest.mark.row("E2")
def test_caps_that_degrade_to_each_other_come_to_an_end() -> None:
    one, other = Role("one", SMALL), Role("other", LARGE)
    rules = replace(
        PLAIN,
        roles={"one": one, "other": other},
        routes=(route(one),),
        budgets=(Budget("role", "one", "day", 0, "other"), Budget("role", "other", "day", 0, "one")),
    )
    assert error_of(desk(rules).ask()).code == "budget_exceeded"


@pytest.mark.row("A12")
def test_a_cached_answer_tells_of_no_other_conversation() -> None:
    here = desk(CACHED)
    here.ask(conversation_id="c")
    served = here.ask()
    assert served.replay is not None
    assert served.answer is not None
    assert "conversation" not in served.answer.facts


@pytest.mark.row("E1")
def test_a_receipt_is_of_one_body_alone() -> None:
    here = desk()
    here.ask("one", key="k")
    here.once.kept.clear()
    assert here.ask("two", key="k").answer is not None
    assert len(here.calls) == 2


# -- the cache -------------------------------------------------------------------------------------


@pytest.mark.row("A12")
def test_a_repeated_request_is_answered_from_the_cache() -> None:
    here = desk(CACHED)
    here.ask()
    here.clock.at_ms += 5_000
    served = here.ask()
    assert here.calls == ["small"]
    assert served.answer is not None
    assert (served.answer.facts["cached"], served.answer.facts["age_s"]) == (True, 5)
    assert (served.headers["age"], served.headers["x-signalbox-cache"]) == ("5", "hit")
    assert here.ledger.entries[1].cache == "hit"


@pytest.mark.row("A12")
@pytest.mark.parametrize(
    ("again", "calls"),
    [
        ({}, 1),
        ({"cache": CacheControl(no_store=True)}, 2),
        ({"cache": CacheControl(no_cache=True)}, 2),
        ({"cache": CacheControl(max_age_s=4)}, 2),
        ({"cache": CacheControl(max_age_s=6)}, 1),
        ({"caller": "bob"}, 2),
        ({"text": "hello!"}, 2),
        ({"max_output_tokens": 7}, 2),
        ({"stream": True}, 1),
    ],
)
def test_the_caller_and_the_request_decide_what_is_repeated(again: dict[str, object], calls: int) -> None:
    here = desk(CACHED)
    here.ask()
    here.clock.at_ms += 5_000
    here.ask(**again)  # type: ignore[arg-type]
    assert len(here.calls) == calls


@pytest.mark.row("A12")
def test_nobody_is_turned_away_because_another_one_asks_the_same() -> None:
    here = desk(CACHED)
    here.ask()
    ((ticket_id, (fingerprint, _)),) = here.once.kept.items()
    here.once.kept[ticket_id] = fingerprint, None  # still being answered
    assert here.ask().answer is not None
    assert len(here.calls) == 2


@pytest.mark.row("A12")
def test_no_store_keeps_nothing_and_no_cache_keeps_anew() -> None:
    here = desk(CACHED)
    here.ask(cache=CacheControl(no_store=True))
    here.ask()
    assert len(here.calls) == 2
    here.ask(cache=CacheControl(no_cache=True))
    here.ask()
    assert len(here.calls) == 3


@pytest.mark.row("E6")
def test_what_is_pinned_is_never_repeated() -> None:
    here = desk(PINNED)
    here.ask()
    here.ask()
    assert here.calls == ["small", "small"]


@pytest.mark.row("A12")
@pytest.mark.parametrize("changed", [{"finish_reason": "length"}, {"finish_reason": "content_filter"}, {"text": ""}])
def test_what_is_no_whole_answer_is_not_kept(changed: dict[str, str]) -> None:
    whole = reply("small").reply
    assert isinstance(whole, AdapterReply)
    broken = reply("small").model_copy(update={"reply": whole.model_copy(update=changed)})
    here = desk(CACHED, script={"small": [broken, reply("small")]})
    here.ask()
    assert here.ask().replay is None


@pytest.mark.row("A12")
def test_a_route_that_says_no_is_never_repeated() -> None:
    rules = replace(PLAIN, cache=CacheRules(deterministic=True), routes=(replace(PLAIN.routes[0], cache=False),))
    here = desk(rules)
    for _ in range(2):
        here.ask(sampling=Sampling(temperature=0.0))
    assert len(here.calls) == 2


@pytest.mark.row("A12")
def test_temperature_nought_is_repeated_where_the_policy_says_so() -> None:
    here = desk(replace(PLAIN, cache=CacheRules(deterministic=True)))
    for temperature, calls in ((0.0, 1), (0.0, 1), (0.5, 2), (0.5, 3)):
        here.ask(sampling=Sampling(temperature=temperature))
        assert len(here.calls) == calls


# -- limits ----------------------------------------------------------------------------------------


@pytest.mark.row("E2")
def test_a_cap_refuses_before_a_model_is_asked() -> None:
    here = desk(replace(PLAIN, budgets=(Budget("caller", None, "day", 10),)))
    error = error_of(here.ask())
    assert isinstance(error, RateLimited)
    assert error.code == "budget_exceeded"
    assert "resets" in error.message
    assert here.calls == []
    assert here.ledger.entries[0].error == "budget_exceeded"


@pytest.mark.row("E2")
def test_a_cap_degrades_to_the_role_that_the_policy_names() -> None:
    premium = Role("premium", LARGE)
    rules = replace(
        PLAIN,
        roles={"premium": premium, "fast": Role("fast", SMALL)},
        routes=(route(premium),),
        budgets=(Budget("role", "premium", "day", 10, degrade_to="fast"),),
    )
    here = desk(rules)
    served = here.ask()
    assert here.calls == ["small"]
    assert served.decision is not None
    assert served.decision.role == "fast"
    assert any("limit is reached" in reason for reason in served.decision.reasons)


@pytest.mark.row("A12")
@pytest.mark.row("E2")
def test_the_answer_of_a_cheaper_role_is_not_repeated_in_place_of_the_real_one() -> None:
    premium = Role("premium", LARGE)
    rules = replace(
        PLAIN,
        roles={"premium": premium, "fast": Role("fast", SMALL)},
        routes=(replace(route(premium), cache=True),),
    )
    here = desk(rules)
    poor = replace(rules, budgets=(Budget("role", "premium", "day", 10, degrade_to="fast"),))
    here.under(poor).ask(request_id="req_poor")
    here.ask()
    assert here.calls == ["small", "large"]


@pytest.mark.row("E2")
@pytest.mark.row("E6")
def test_a_pin_is_never_degraded() -> None:
    rules = replace(
        PINNED,
        roles={**PINNED.roles, "fast": FAST},
        budgets=(Budget("caller", None, "day", 10, degrade_to="fast"),),
    )
    here = desk(rules)
    assert error_of(here.ask()).code == "budget_exceeded"
    assert here.calls == []


@pytest.mark.row("C4")
@pytest.mark.row("C11")
def test_a_full_gate_moves_on_to_the_next_candidate() -> None:
    here = desk(replace(PLAIN, gates={"small": Gate(1, 4)}))
    here.health.states["small"] = ModelState(admitted=0)
    served = here.ask()
    assert here.calls == ["large"]
    assert served.decision is not None
    assert [(one.model, one.reason) for one in served.decision.rejected] == [("small", "gate")]


@pytest.mark.row("C4")
def test_a_full_gate_with_nobody_behind_it_says_when_to_come_back() -> None:
    rules = replace(PLAIN, routes=(route(Role("only", SMALL)),), gates={"small": Gate(1, 4)})
    here = desk(rules)
    here.health.states["small"] = ModelState(admitted=0)
    error = error_of(here.ask())
    assert (error.status, error.code) == (429, "gate_full")


@pytest.mark.row("E2")
def test_standings_come_back_as_headers() -> None:
    here = desk(replace(PLAIN, limits=(Limit("caller", None, requests_per_minute=2),)))
    assert here.ask(key="k").headers["x-ratelimit-remaining-requests"] == "1"
    assert here.ask().headers["x-ratelimit-remaining-requests"] == "0"
    assert not any(name.startswith("x-ratelimit") for _, kept in here.once.kept.values() for name in _headers(kept))
    refused = here.ask()
    assert error_of(refused).code == "rate_limit_exceeded"
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"


def _headers(kept: Answer | None) -> dict[str, str]:
    assert kept is not None
    return kept.headers


# -- health ----------------------------------------------------------------------------------------


@pytest.mark.row("E9")
def test_a_cooling_model_is_passed_over() -> None:
    here = desk()
    here.health.states["small"] = ModelState(circuit="cooling", shut_until_ms=here.clock.now_ms() + 5_000)
    here.ask()
    assert here.calls == ["large"]


# -- conversations ---------------------------------------------------------------------------------


@pytest.mark.row("A5")
def test_a_model_sees_all_of_a_conversation_that_is_sent_turn_by_turn() -> None:
    here = desk()
    here.ask("one", conversation_id="c")
    served = here.ask("two", conversation_id="c")
    assert [message.text for message in here.invoker.calls[1].messages] == ["one", "fine", "two"]
    assert served.answer is not None
    told = served.answer.facts["conversation"]
    assert told == {"id": "c", "messages": 4, "counted": 1, "version": 2, "saved": True}


@pytest.mark.row("A5")
def test_a_conversation_in_use_is_a_conflict_before_any_model_is_asked() -> None:
    here = desk()
    here.ask("one", conversation_id="c")
    opened = here.conversations.open("alice", "c", (said("x"),), "new", whole=False)
    here.conversations.claim(opened, "another", here.clock.now_ms() + 10_000)
    error = error_of(here.ask("two", conversation_id="c"))
    assert isinstance(error, Conflict)
    assert error.code == "conversation_conflict"
    assert len(here.calls) == 1
    assert here.ledger.entries[-1].status == 409


@pytest.mark.row("A5")
def test_a_failed_request_gives_its_place_in_the_conversation_back() -> None:
    here = desk(script={"small": [failure("small", "InvalidRequest"), reply("small")]})
    here.ask("one", conversation_id="c")
    served = here.ask("one", conversation_id="c")
    assert served.answer is not None
    assert served.answer.facts["conversation"]["version"] == 1


@pytest.mark.row("A5")
@pytest.mark.row("A12")
def test_a_cached_answer_is_a_turn_like_any_other() -> None:
    here = desk(CACHED)
    here.ask("one", conversation_id="c")
    here.ask("one", conversation_id="d")
    here.ask("two", conversation_id="d")
    assert [message.text for message in here.invoker.calls[-1].messages] == ["one", "fine", "two"]
    assert len(here.calls) == 2


@pytest.mark.row("A5")
def test_erasing_a_conversation_erases_its_kept_answers() -> None:
    here = desk(CACHED)
    here.ask("one", key="k", conversation_id="c")
    assert len(here.once.kept) == 2
    assert len(here.receipts.left) == 1
    here.conversations.erase("alice", "c")
    assert here.once.kept == {}
    assert here.receipts.left == []


@pytest.mark.row("A5")
def test_a_tool_result_alone_is_judged_by_the_question_it_belongs_to() -> None:
    whole = reply("small").reply
    assert whole is not None
    calling = whole.model_copy(
        update={"text": "", "tool_calls": (ToolCall(id="t", name="f", arguments="{}"),), "finish_reason": "tool_calls"}
    )
    here = desk(script={"small": [reply("small").model_copy(update={"reply": calling}), reply("small")]})
    question = here.ask("a question with plenty of words in it", conversation_id="c").decision
    result = Message(role="tool", content=(TextPart(text="42"),), tool_call_id="t")
    answered = here.ask(conversation_id="c", messages=(result,)).decision
    assert question is not None
    assert answered is not None
    assert answered.signals.entropy == question.signals.entropy
    assert [message.role for message in here.invoker.calls[-1].messages] == ["user", "assistant", "tool"]


def test_a_preview_takes_and_stores_nothing() -> None:
    here: Desk = desk(replace(PLAIN, budgets=(Budget("caller", None, "day", 1_000_000),)))
    assert preview(here.asked("hello", conversation_id="c").request, here.services).model == "small"
    assert here.ledger.entries == []
    assert here.ledger.counters == {}
    assert here.conversations.stored == {}
