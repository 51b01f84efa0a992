"""What is read of a conversation is bounded, and is its latest user turn with a little of what was said before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.tagger.excerpt import (
    EARLIER_HEAD,
    EARLIER_OTHER,
    EARLIER_TAIL,
    EARLIER_TURNS,
    EARLIER_USER,
    HEAD,
    LATEST,
    TAIL,
    Excerpt,
    Piece,
    Turn,
    excerpt,
    shortened,
)
from tests.unit.tagger.texts import CONVERSATIONS, TEXTS, agent, said, user

WHOLE = HEAD + TAIL + 1
EARLIER_WHOLE = EARLIER_HEAD + EARLIER_TAIL + 1


@pytest.mark.row("E12")
@given(CONVERSATIONS)
def test_never_more_than_the_bound_is_read(turns: list[Turn]) -> None:
    seen = excerpt(turns)
    assert len(seen.pieces) <= 1 + EARLIER_TURNS
    assert len(seen.pieces[-1].text) <= WHOLE
    assert all(len(piece.text) <= EARLIER_WHOLE for piece in seen.pieces[:-1])


@pytest.mark.row("E12")
def test_a_conversation_of_a_million_characters_is_read_up_to_the_bound() -> None:
    seen = excerpt(said(*["word " * 20_000] * 9))
    assert sum(len(piece.text) for piece in seen.pieces) == WHOLE + EARLIER_TURNS * EARLIER_WHOLE


@pytest.mark.row("A1")
@given(CONVERSATIONS, TEXTS, st.lists(TEXTS, max_size=3))
def test_the_latest_user_turn_is_the_last_piece_whatever_was_answered_since(
    before: list[Turn], text: str, answers: list[str]
) -> None:
    seen = excerpt([*before, user(text), *map(agent, answers)])
    assert seen.pieces == excerpt([*before, user(text)]).pieces
    *earlier, latest = seen.pieces
    assert latest.segment == LATEST
    assert text.startswith(latest.text[:HEAD])
    assert text.endswith(latest.text[-TAIL:])
    spoken = before[-EARLIER_TURNS:]
    assert [piece.segment for piece in earlier] == [EARLIER_USER if turn.user else EARLIER_OTHER for turn in spoken]
    assert [piece.text for piece in earlier] == [shortened(turn.text) for turn in spoken]


@given(TEXTS)
def test_shortening_twice_is_shortening_once(text: str) -> None:
    assert shortened(shortened(text)) == shortened(text)


@given(CONVERSATIONS, TEXTS)
def test_earlier_turns_may_come_shortened(before: list[Turn], text: str) -> None:
    kept = [turn._replace(text=shortened(turn.text)) for turn in before]
    assert excerpt([*kept, user(text)]) == excerpt([*before, user(text)])


@given(TEXTS, st.characters(), st.characters())
def test_what_is_between_head_and_tail_is_not_read(text: str, one: str, other: str) -> None:
    head, tail = f"{text}{'h' * HEAD}"[:HEAD], f"{'t' * TAIL}{text}"[-TAIL:]
    first, second = (excerpt([user(head + middle * 7 + tail)]) for middle in (one, other))
    assert first == second


def test_up_to_its_bound_a_text_is_read_whole() -> None:
    whole, longer = "a" * HEAD + "b" + "c" * TAIL, "a" * HEAD + "bb" + "c" * TAIL
    assert excerpt([user(whole)]).pieces[-1].text == whole
    assert excerpt([user(longer)]).pieces[-1].text == "a" * HEAD + " " + "c" * TAIL
    earlier = "a" * EARLIER_HEAD + "b" + "c" * EARLIER_TAIL
    assert shortened(earlier) == earlier
    assert shortened(earlier + "cc") == "a" * EARLIER_HEAD + " " + "c" * EARLIER_TAIL


def test_no_turns() -> None:
    assert excerpt([]) == Excerpt((Piece(LATEST, ""),), 0, 0)
    assert excerpt([], before=3).turns == 3


def test_where_no_user_spoke_the_last_turn_is_read() -> None:
    seen = excerpt([agent("Hello."), agent("Are you there?")])
    assert seen.pieces == (Piece(EARLIER_OTHER, "Hello."), Piece(LATEST, "Are you there?"))


@given(CONVERSATIONS, st.integers(0, 1_000))
def test_length_and_turns_are_those_of_the_whole(turns: list[Turn], before: int) -> None:
    seen = excerpt(turns, before)
    assert seen.turns == len(turns) + before
    spoken = [turn.text for turn in turns if turn.user] or [turn.text for turn in turns] or [""]
    assert seen.characters == len(spoken[-1])
