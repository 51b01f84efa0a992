"""What a prefix hash proves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.contracts.messages import Message, TextPart, ToolCall
from signalbox.conversations.chain import canonical, longest, prefix_hashes, seed
from tests.builders import said

TEXTS = st.text(st.one_of(st.characters(), st.characters(categories=["Cs"])), max_size=8)
CALLS = st.builds(ToolCall, id=TEXTS, name=TEXTS, arguments=TEXTS)
MESSAGES = st.builds(
    Message,
    role=st.sampled_from(["system", "user", "assistant", "tool"]),
    content=st.lists(st.builds(TextPart, text=TEXTS.filter(bool)), max_size=2).map(tuple),
    tool_calls=st.lists(CALLS, max_size=2).map(tuple),
    tool_call_id=st.none() | TEXTS,
)
FIRST = seed("alice", "c1", "life")


@pytest.mark.row("A5")
@given(st.lists(MESSAGES, min_size=1, max_size=8), MESSAGES, st.data())
def test_an_edit_changes_every_hash_from_its_place_on(
    messages: list[Message], other: Message, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(messages) - 1))
    edited = [*messages[:at], other, *messages[at + 1 :]]
    before, after = prefix_hashes(FIRST, messages), prefix_hashes(FIRST, edited)
    assert before[: at + 1] == after[: at + 1]
    same = messages[at] == other
    assert all((one == two) == same for one, two in zip(before[at + 1 :], after[at + 1 :], strict=True))


@given(MESSAGES, MESSAGES)
def test_different_messages_are_spelled_differently(one: Message, other: Message) -> None:
    assert (canonical(one) == canonical(other)) == (one == other)


def test_an_empty_text_is_no_text() -> None:
    assert canonical(said("", "assistant")) == canonical(Message(role="assistant"))


def test_parts_are_not_the_text_they_make() -> None:
    parts = Message(role="user", content=(TextPart(text="a"), TextPart(text="b")))
    assert canonical(parts) != canonical(said("a\nb"))
    assert canonical(parts) != canonical(said("ab"))


@given(st.tuples(TEXTS, TEXTS, TEXTS), st.integers(0, 2), TEXTS)
def test_nothing_is_equal_across_callers_conversations_and_lives(
    whose: tuple[str, str, str], at: int, other: str
) -> None:
    theirs = tuple(other if place == at else name for place, name in enumerate(whose))
    mine = prefix_hashes(seed(*whose), [said("hello")])
    assert bool(set(mine) & set(prefix_hashes(seed(*theirs), [said("hello")]))) == (theirs == whose)


@given(st.integers(0, 1_500), st.data())
def test_the_longest_is_found_in_few_steps(most: int, data: st.DataObject) -> None:
    true = data.draw(st.integers(0, most))
    asked: list[int] = []

    def holds(length: int) -> bool:
        asked.append(length)
        return length <= true

    assert longest(most, holds) == true
    assert 0 not in asked
    assert len(asked) <= 2 * (most - true).bit_length() + 2


def test_an_edit_near_the_end_is_found_at_once() -> None:
    asked: list[int] = []

    def holds(length: int) -> bool:
        asked.append(length)
        return length <= 999

    assert longest(1_000, holds) == 999
    assert asked == [1_000, 999]


def test_all_of_a_message_is_in_its_hash() -> None:
    """A field that is new here must be told to ``canonical``."""
    assert set(Message.model_fields) == {"role", "content", "tool_calls", "tool_call_id"}
    assert set(TextPart.model_fields) == {"type", "text"}
    assert set(ToolCall.model_fields) == {"id", "name", "arguments"}
