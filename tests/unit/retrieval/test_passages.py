"""What every collection promises of a passage."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.retrieval.passages import MOST_TITLE_CHARACTERS, citable, cut, passage

pytestmark = pytest.mark.row("C7")


@given(st.text())
def test_a_citable_name_has_letters_digits_dots_dashes_and_underscores(text: str) -> None:
    assert re.fullmatch(r"([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?", citable(text))


@pytest.mark.parametrize(
    ("text", "name"), [("Late fees & reminders", "Late-fees-reminders"), ("Élan_2.0!", "Elan_2.0"), ("料金", "")]
)
def test_names(text: str, name: str) -> None:
    assert citable(text) == name


@given(st.text(max_size=200), st.integers(1, 100))
def test_a_text_is_never_longer_than_it_may_be(text: str, most: int) -> None:
    assert len(cut(text, most)) <= most
    assert text.startswith(cut(text, most))


def test_a_text_is_cut_between_words() -> None:
    assert cut("one two three", 9) == "one two"
    assert cut("one two three", 7) == "one two"
    assert cut("x" * 9, 5) == "xxxxx"
    assert cut("a bcdefghijkl", 10) == "a bcdefghi"  # too little would be left


def test_half_a_surrogate_pair_can_be_sent_on() -> None:
    made = passage("a", "t\ud800\n  u" + "x" * 999, "b\udfff", 100)
    assert made.text == "b\ufffd"
    assert made.title.startswith("t\ufffd u")
    assert len(made.title) == MOST_TITLE_CHARACTERS
    made.model_dump_json()
