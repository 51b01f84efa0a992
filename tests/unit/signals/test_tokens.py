"""Bounds hold, comparisons come out as exact counts would, and counts add."""

import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.contracts.conversations import Snapshot
from signalbox.contracts.messages import Message, ResponseFormat, TextPart, Tool, ToolCall
from signalbox.signals import encoding, tokens
from tests.builders import request, said
from tests.unit.signals.oracle import oracle

# Whitespace and line ends where Python's words and the pattern's differ, among any characters.
SPACES = st.sampled_from([" ", "\n", "\r", "/", "!", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\u00a0", "\t", "a", "1"])
TEXTS = st.one_of(st.text(max_size=200), st.text(SPACES, max_size=60), st.text("abc d!\n", max_size=400))
COMPARISONS = (operator.lt, operator.le, operator.gt, operator.ge, operator.eq)


def exact_count(text: str) -> int:
    return len(oracle().encode(text, disallowed_special=()))


def forbid_tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    def loaded(_text: str) -> list[int]:
        raise AssertionError("the tokenizer was used")

    monkeypatch.setattr(tokens, "encode", loaded)


@given(TEXTS)
def test_bounds_hold(text: str) -> None:
    lower, upper = tokens.bounds(text)
    assert lower <= exact_count(text) <= upper
    assert tokens.count_text(text) == exact_count(text)


@pytest.mark.parametrize("text", ["!\n/", "!\r/\n/a", "!\x1c!", "!\x1f\x1e!", " " * 128, "a\ud800", ""])
def test_bounds_hold_where_pythons_words_differ(text: str) -> None:
    lower, upper = tokens.bounds(text)
    assert 0 <= lower <= exact_count(text) <= upper


def test_no_token_of_the_vocabulary_spans_what_bounds_take_for_two_words() -> None:
    spelled = [token.decode(errors="ignore") for token in encoding.read_ranks(encoding.RANKS)]
    assert max(tokens.bounds(text)[0] for text in spelled) == 1


@given(st.lists(TEXTS, min_size=1, max_size=4), st.lists(st.integers(-5, 900), max_size=6), st.data())
def test_every_comparison_is_that_of_the_exact_count(
    texts: list[str], any_where: list[int], data: st.DataObject
) -> None:
    asked = request(messages=tuple(said(text) for text in texts))
    exact = sum(map(exact_count, texts))
    upper = sum(tokens.bounds(text)[1] for text in texts)
    lower = sum(tokens.bounds(text)[0] for text in texts)
    near = data.draw(st.lists(st.sampled_from([exact + d for d in (-1, 0, 1)] + [lower - 1, lower, upper, upper + 1])))
    counted = tokens.count(asked, (*any_where, *near), exact=False)
    assert counted.lower <= exact <= counted.upper
    for threshold in (*any_where, *near):
        for compare in COMPARISONS:
            assert compare(counted.value, threshold) == compare(exact, threshold)
            # Sizing compares the upper bound.
            assert compare(counted.upper, threshold) == compare(exact, threshold)


@given(st.lists(TEXTS, max_size=4))
def test_counts_of_messages_add(texts: list[str]) -> None:
    messages = tuple(said(text) for text in texts)
    asked = request(messages=messages, tools=(Tool(name="look_up", parameters={"type": "object"}),))
    counted = tokens.count(asked, (), exact=True)
    assert counted.value == tokens.definition_tokens(asked) + sum(map(tokens.message_tokens, messages))
    assert counted.exact
    assert counted.lower == counted.upper == counted.value


def test_everything_that_is_sent_is_counted() -> None:
    call = ToolCall(id="call_1", name="look_up", arguments='{"id": 7}')
    asked = request(
        messages=(
            Message(role="user", content=(TextPart(text="one"), TextPart(text="two"))),
            Message(role="assistant", tool_calls=(call,)),
            Message(role="tool", content=(TextPart(text="found"),), tool_call_id="call_1"),
        ),
        tools=(Tool(name="look_up", description="Finds", parameters={"type": "object"}),),
        response_format=ResponseFormat(type="json_schema", name="answer", schema_={"type": "string", "title": "é"}),
    )
    sent = ["one", "two", "call_1", "look_up", '{"id": 7}', "found", "call_1"]
    tool = '{"name":"look_up","description":"Finds","parameters":{"type":"object"}}'
    schema = '{"name":"answer","schema":{"type":"string","title":"é"}}'
    assert tokens.count(asked, (), exact=True).value == sum(map(exact_count, [*sent, tool, schema]))
    assert tokens.count(asked, (), exact=True).framing == 3 + 3 * 4


def test_each_role_is_the_one_token_that_the_framing_holds() -> None:
    assert [exact_count(role) for role in ("system", "user", "assistant", "tool")] == [1, 1, 1, 1]
    assert tokens.framing_tokens(request(messages=(said(""),))) == 4 + 3


@pytest.mark.row("B1")
def test_the_tokenizer_is_left_alone_when_bounds_settle_it(monkeypatch: pytest.MonkeyPatch) -> None:
    forbid_tokenizer(monkeypatch)
    short, long = request("a few words"), request("word " * 600)
    assert tokens.count(short, (512, 8_000), exact=False).value < 512
    assert 512 < tokens.count(long, (512, 8_000), exact=False).value < 8_000
    assert not tokens.count(long, (512, 8_000), exact=False).exact


@pytest.mark.parametrize("edge", ["lower", "upper"])
def test_the_tokenizer_is_used_when_a_threshold_is_on_a_bound(monkeypatch: pytest.MonkeyPatch, edge: str) -> None:
    asked = request("word " * 600)
    threshold = getattr(tokens.count(asked, (), exact=False), edge)
    assert tokens.count(asked, (threshold,), exact=False).exact
    forbid_tokenizer(monkeypatch)
    outside = threshold + (1 if edge == "upper" else -1)
    assert not tokens.count(asked, (outside,), exact=False).exact


def test_asked_for_exactness_is_given() -> None:
    counted = tokens.count(request("word " * 600), (), exact=True)
    assert counted.exact
    assert counted.value == exact_count("word " * 600)


def test_no_text_is_kept_between_requests() -> None:
    """The one cache of the two modules holds the encoder."""
    cached = [
        name for module in (tokens, encoding) for name in vars(module) if hasattr(getattr(module, name), "cache_info")
    ]
    assert cached == ["encoder"]


@pytest.mark.row("A5")
def test_with_a_snapshot_no_message_is_counted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = Snapshot(messages=40, convo_length=39, tokens=1_234)
    asked = request("only the new turn", snapshot=snapshot)
    forbid_tokenizer(monkeypatch)
    found = tokens.count(asked, (1_000, 1_234, 2_000), exact=True)
    assert (found.value, found.lower, found.upper, found.exact) == (1_234, 1_234, 1_234, True)
    assert found.framing == tokens.framing_tokens(asked) == 3 + 4 * 40


def test_what_goes_beside_a_snapshot_is_counted() -> None:
    fields = {"tools": (Tool(name="look_up"),), "response_format": ResponseFormat(type="json_schema", schema_={"a": 1})}
    snapshot = Snapshot(messages=40, convo_length=39, tokens=1_234)
    asked = request("only the new turn", snapshot=snapshot, **fields)
    beside = tokens.definition_tokens(asked)
    assert tokens.count(asked, (), exact=False).value == 1_234 + beside
    assert beside > 0
