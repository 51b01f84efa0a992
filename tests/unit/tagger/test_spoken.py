"""Of a conversation's messages the tagger reads what somebody said."""

import pytest

from signalbox.tagger.excerpt import EARLIER_TURNS, excerpt
from signalbox.tagger.spoken import spoken
from tests.builders import said
from tests.unit.tagger.texts import agent, user

pytestmark = pytest.mark.row("A1")


def test_users_and_assistants_speak_and_nobody_else_does() -> None:
    messages = [said(f"by {role}", role) for role in ("system", "user", "assistant", "tool", "user")]
    assert spoken(messages) == [user("by user"), agent("by assistant"), user("by user")]
    assert spoken([]) == []


@pytest.mark.parametrize("nothing", ["", " \n\t"])
def test_turns_that_say_nothing_push_no_matter_out_of_sight(nothing: str) -> None:
    calls = [said(nothing, "assistant"), said("{}", "tool")] * (EARLIER_TURNS + 1)
    seen = excerpt(spoken([said("Why was I charged twice?"), *calls, said("yes")]))
    assert [piece.text for piece in seen.pieces] == ["Why was I charged twice?", "yes"]
