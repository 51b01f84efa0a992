"""What the tagger reads of a conversation is the same however the conversation is sent."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalbox.contracts.messages import Message
from signalbox.contracts.requests import InferenceRequest
from signalbox.execution.converse import Conversing
from signalbox.execution.served import Asked
from signalbox.tagger.excerpt import EARLIER_TURNS, Turn, shortened
from signalbox.tagger.spoken import spoken
from tests.builders import request, said
from tests.fakes.conversations import MemoryConversations

WORDS = st.sampled_from(["why was I charged twice", "on which day?", "", "monday", "x" * 700, "yes"])


class Noon:
    def now_ms(self) -> int:
        return 1_700_000_000_000


def read(one: InferenceRequest) -> list[Turn]:
    """As ``signals.extract`` puts it together, shortened as earlier turns are."""
    turns = [*(Turn(turn.user, turn.text) for turn in one.recent), *spoken(one.messages)]
    return [Turn(turn.user, shortened(turn.text)) for turn in turns[-EARLIER_TURNS - 1 :]]


def opened(store: MemoryConversations, messages: Sequence[Message], history: str = "auto") -> Conversing:
    names = {
        "request_id": f"r{len(store.stored)}{messages[0].text}",
        "conversation_id": "c",
        "conversation_history": history,
    }
    one = request(messages=tuple(messages), **names)
    return Conversing.open(Asked(one, 0, whole=history == "whole"), store)


@pytest.mark.row("A1", "B7")
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=5), WORDS.filter(bool))
def test_by_id_whole_under_an_id_and_without_one_read_alike(talk: list[tuple[str, str]], last: str) -> None:
    store = MemoryConversations(Noon())
    turns: list[Message] = []
    for at, (asked, answered) in enumerate(talk):
        turns += [said(f"{asked} {at}"), said(answered, "assistant")]
        one = opened(store, turns[-2:-1], "new")
        with one.claimed(Noon().now_ms() + 1_000):
            assert one.opened
            store.commit(one.opened, one.request.request_id, turns[-1])
    alone = read(request(messages=(*turns, said(last))))
    assert read(opened(store, [said(last)], "new").request) == alone
    assert read(opened(store, [*turns, said(last)], "whole").request) == alone
    edited = [*turns[:-2], said("something else"), said(last)]
    assert read(opened(store, edited, "whole").request) == read(request(messages=tuple(edited)))


@pytest.mark.row("A1")
def test_turns_that_say_nothing_push_nothing_out_of_sight() -> None:
    calls = [said("", "assistant") for _ in range(6)]
    turns = spoken([said("be brief", "system"), said("why was I charged twice?"), *calls, said("yes")])
    assert turns == [Turn(True, "why was I charged twice?"), Turn(True, "yes")]
