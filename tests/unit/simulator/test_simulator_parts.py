"""The simulator's parts without a network: tokens, limits, prompt cache, faults, answers, the models file."""

import threading
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from workbench.simulator.brain import answer
from workbench.simulator.cache import LIFETIME_S, PromptCache
from workbench.simulator.exchange import SimRequest, Tool, Turn, part_tokens
from workbench.simulator.faults import Fault, FaultBook
from workbench.simulator.limits import Limits
from workbench.simulator.models import Model, load_models
from workbench.simulator.tokens import count, cut, pieces

MODELS = {model.id: model for model in load_models()}
MODEL = MODELS["gpt-4.1"]
WEATHER = Tool("get_weather", "Current weather in a city", {"properties": {"city": {"type": "string"}}})


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def ask(text: str, **more: Any) -> SimRequest:
    return replace(SimRequest(MODEL.id, (Turn("user", text),)), **more)


@given(st.text())
def test_pieces_join_to_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text
    assert count(text) == len(pieces(text))


@given(st.text(), st.integers(0, 20))
def test_a_cut_text_keeps_to_its_limit(text: str, limit: int) -> None:
    assert count(cut(text, limit)) <= limit
    assert text.startswith(cut(text, limit))


def test_the_default_roster_is_there() -> None:
    assert {
        "claude-haiku-5-5",
        "claude-sonnet-5-5",
        "claude-opus-5-5",
        "gpt-6-luna",
        "gpt-6.1-terra",
        "gpt-6.1-sol",
        "gemini-3.5-flash-lite",
        "gemini-3.8-flash",
        "gemini-4-argon",
        "global.amazon.nova-2-lite-v1:0",
        "claude-3-5-sonnet-20241022",
        "claude-3-5-haiku-20241022",
        "claude-3-7-sonnet-20250219",
        "gpt-4.1",
        "gpt-5",
        "gemini-2.5-flash-lite",
        "gemini-2.5-pro",
    } <= set(MODELS)


def limited(requests: int, tokens: int) -> Model:
    return MODEL.model_copy(update={"requests_per_minute": requests, "tokens_per_minute": tokens})


def test_requests_run_out_and_come_back() -> None:
    clock, model = Clock(), limited(2, 1000)
    limits = Limits(clock)
    assert limits.take(model, 1).over is None
    assert limits.take(model, 1).over is None
    refused = limits.take(model, 1)
    assert (refused.over, refused.requests_left, refused.retry_after_s) == ("requests", 0, 30)
    clock.now_s += 30
    assert limits.take(model, 1).over is None


def test_a_refused_request_takes_no_tokens() -> None:
    limits, model = Limits(Clock()), limited(10, 100)
    assert limits.take(model, 60).tokens_left == 40
    assert limits.take(model, 60).over == "tokens"
    assert limits.take(model, 40).over is None


@given(st.lists(st.tuples(st.integers(1, 200), st.floats(0, 20)), max_size=30))
def test_what_is_granted_never_passes_the_limit(calls: list[tuple[int, float]]) -> None:
    clock, model, granted = Clock(), limited(5, 300), 0
    limits = Limits(clock)
    for tokens, pause_s in calls:
        clock.now_s += pause_s
        granted += 0 if limits.take(model, tokens).over else tokens
    elapsed_s = clock.now_s - 1000
    assert granted <= 300 + 300 * elapsed_s / 60 + 1e-6


def test_a_repeated_prefix_is_cached_for_five_minutes() -> None:
    clock = Clock()
    cache = PromptCache(clock)
    first = ask("word " * 3000)
    longer = replace(first, turns=(*first.turns, Turn("assistant", "ok"), Turn("user", "and now?")))
    head = sum(part_tokens(first, MODEL)) // 128 * 128
    assert cache.use(MODEL, first, part_tokens(first, MODEL)) == (0, head)
    assert cache.use(MODEL, longer, part_tokens(longer, MODEL))[0] == head
    assert cache.use(MODEL, ask("other " * 3000), [0, 3000])[0] == 0
    clock.now_s += LIFETIME_S
    assert cache.use(MODEL, first, part_tokens(first, MODEL))[0] == 0


def test_an_explicit_cache_needs_asking_and_short_prompts_are_not_kept() -> None:
    claude, cache = MODELS["claude-haiku-5-5"], PromptCache(Clock())
    long = ask("word " * 3000)
    assert [cache.use(claude, long, [0, 3000]) for _ in range(2)] == [(0, 0), (0, 0)]
    marked = replace(long, cache_asked=True)
    assert cache.use(claude, marked, [0, 3000]) == (0, 3000)
    assert cache.use(claude, marked, [0, 3000]) == (3000, 0)
    assert [cache.use(MODEL, ask("short"), [0, 10]) for _ in range(2)] == [(0, 0), (0, 0)]


def test_a_fault_counts_down_across_threads() -> None:
    book, struck = FaultBook(), []
    book.add(Fault(kind="reset", times=50))

    def take() -> None:
        for _ in range(100):
            if book.take("openai", "gpt-5"):
                struck.append(1)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(struck) == 50
    assert book.listed() == []


def test_a_fault_strikes_its_own_provider_and_models_in_order() -> None:
    book = FaultBook()
    book.add(Fault(kind="status", status=529, provider="anthropic", model="claude-*", times=1))
    book.add(Fault(kind="delay"))
    assert (fault := book.take("openai", "claude-x")) is not None
    assert fault.kind == "delay"
    assert [f.kind for f in (book.take("anthropic", "claude-x"), book.take("anthropic", "claude-x")) if f] == [
        "status",
        "delay",
    ]


def test_probability_leaves_some_alone() -> None:
    book = FaultBook()
    book.add(Fault(kind="reset", probability=0.3))
    struck = sum(book.take("openai", "m") is not None for _ in range(1000))
    assert 200 < struck < 400


@pytest.mark.parametrize(
    "bad", [{"kind": "status"}, {"kind": "delay", "status": 500}, {"kind": "fire"}, {"kind": "reset", "x": 1}]
)
def test_a_fault_that_makes_no_sense_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate(bad)


@given(st.text(max_size=300), st.integers(1, 60))
def test_text_is_marked_repeatable_and_within_its_allowance(text: str, allowance: int) -> None:
    request = ask(text, max_output_tokens=allowance)
    reply = answer(request, MODEL, 10_000)
    assert reply == answer(request, MODEL, 10_000)
    assert f"[simulated {MODEL.id}] ".startswith(reply.text[: len(MODEL.id) + 13])
    assert reply.output_tokens + reply.reasoning_tokens <= allowance


def test_reasoning_leaves_room_for_the_reply() -> None:
    reply = answer(ask("hi " * 30, max_output_tokens=40, thinks=True), MODEL, 10_000)
    assert 0 < reply.reasoning_tokens <= 20
    assert reply.text
    assert reply.output_tokens + reply.reasoning_tokens == 40
    assert reply.finish == "length"


def test_a_tool_is_called_when_asked_for_and_not_after_its_result() -> None:
    offered = ask("What is the weather in Berlin?", tools=(WEATHER,))
    assert [call.name for call in answer(offered, MODEL, 9999).calls] == ["get_weather"]
    assert set(answer(offered, MODEL, 9999).calls[0].arguments) == {"city"}
    assert answer(replace(offered, tool_choice="none"), MODEL, 9999).calls == ()
    assert answer(ask("Tell me a joke", tools=(WEATHER,)), MODEL, 9999).calls == ()
    answered = replace(
        offered, turns=(*offered.turns, Turn("assistant", ""), Turn("tool", "12 degrees", "get_weather"))
    )
    reply = answer(answered, MODEL, 9999)
    assert reply.calls == ()
    assert "12 degrees" in reply.text


def test_a_demanded_tool_is_called() -> None:
    both = ask("Tell me a joke", tools=(WEATHER, Tool("tell_time")), tool_choice="required")
    assert len(answer(both, MODEL, 9999).calls) == 1
    assert answer(replace(both, tool_name="tell_time"), MODEL, 9999).calls[0].name == "tell_time"


def test_workloads_show_in_the_text() -> None:
    label = answer(ask("Where is my refund?", system="Classify into one of: billing, refund, other"), MODEL, 9999)
    assert label.text.endswith("] refund")
    story = "The cat sat. The dog ran. The bird sang. The fish swam."
    summary = answer(ask(story, system="Summarize the text."), MODEL, 9999).text
    assert "The cat sat. The dog ran. The bird sang." in summary
    assert "fish" not in summary


def test_a_stop_sequence_ends_the_text() -> None:
    reply = answer(ask("alpha beta gamma", stop=("beta",)), MODEL, 9999)
    assert (reply.finish, reply.stop_sequence) == ("stop_sequence", "beta")
    assert reply.text.endswith("alpha ")


def test_logprobs_cover_the_text() -> None:
    reply = answer(ask("hi", logprobs=True, top_logprobs=3), MODEL, 9999)
    assert "".join(token.token for token in reply.logprobs) == reply.text
    assert all(token.logprob <= 0 and len(token.top) == 3 for token in reply.logprobs)
    assert all(token.top[0] == (token.token, token.logprob) for token in reply.logprobs)
