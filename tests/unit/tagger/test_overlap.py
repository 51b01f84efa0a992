"""What is tested was not learnt nearly word for word."""

import pytest

from signalbox.tagger.excerpt import Turn
from workbench.training import overlap
from workbench.training.corpus import Example, said
from workbench.training.overlap import apart

pytestmark = pytest.mark.row("B7")


def examples(*texts: str) -> list[Example]:
    return [Example("written", said(text)) for text in texts]


def left(tested: list[Example], *learnt: str) -> list[str]:
    return [one.turns[-1].text for one in apart(tested, examples(*learnt))]


@pytest.mark.parametrize(
    ("tested", "learnt", "kept"),
    [
        ("Why was I charged twice?", "why was i charged twice", False),
        ("why was I charged twice", "twice charged I was, why", False),  # the order does not count
        ("a b c d e f g h", "a b c d e f g x y", False),  # 7 of 10
        ("a b c d e f g", "a b c d e f g h i j", False),  # 7 of 10
        ("a b c d e f g", "a b c d e f g h i j k", True),  # 7 of 11
        ("my card is lost", "where is my refund", True),
        ("???", "!!!", True),  # no words at all are not alike
    ],
)
def test_near_is_by_the_words_in_common_over_all_words(tested: str, learnt: str, kept: bool) -> None:
    assert left(examples(tested, "something else entirely"), learnt) == [tested] * kept + ["something else entirely"]


def test_conversations_stay_and_are_not_compared_with() -> None:
    talk = Example("written", (Turn(True, "why was i charged twice"), Turn(True, "yes")))
    assert left([talk, *examples("yes", "no")], "yes") == ["yes", "no"]
    assert apart(examples("yes"), [talk, *examples("no")]) == examples("yes")


def test_every_piece_of_what_was_learnt_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlap, "_AT_A_TIME", 2)
    texts = ["one two three", "four five six", "seven eight nine", "ten eleven twelve", "more words here"]
    assert left(examples(*texts), *texts[::2]) == texts[1::2]
