"""What one turn's text shows, against definitions written out naively."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.signals.text import SCANNED_CHARACTERS, distinct_entities, has_code, shannon_entropy, tail_newline


@given(st.text(max_size=200))
def test_entropy_is_shannons(text: str) -> None:
    shares = [text.count(character) / len(text) for character in set(text)]
    assert shannon_entropy(text) == pytest.approx(-sum(p * math.log2(p) for p in shares), abs=1e-9)


@pytest.mark.row("B7")
@pytest.mark.parametrize(("text", "bits"), [("", 0.0), ("aaaa", 0.0), ("ab", 1.0), ("abcd" * 9, 2.0)])
def test_entropy_of_known_texts(text: str, bits: float) -> None:
    found = shannon_entropy(text)
    assert found == bits
    assert isinstance(found, float)  # matchers take a double, never an int


@pytest.mark.row("B1")
@given(st.text("a\n", max_size=40), st.integers(0, 50))
def test_tail_newline_looks_at_the_last_characters_only(text: str, tail: int) -> None:
    naive = any(text[i] == "\n" for i in range(len(text)) if len(text) - i <= tail)
    assert tail_newline(text, tail) == naive


@pytest.mark.row("B1")
def test_the_tail_is_500_characters() -> None:
    assert tail_newline("\n" + "a" * 499)
    assert not tail_newline("\n" + "a" * 500)


@given(st.lists(st.sampled_from(["ACME", "acme", "Zeta", "zeta", "x1", "x2", "ß", "SS"]), max_size=12))
def test_entities_are_counted_once_whatever_their_case(words: list[str]) -> None:
    patterns = {"names": re.compile(r"(?i)acme|zeta|ß|ss"), "numbers": re.compile(r"x\d"), "same": re.compile("acme")}
    assert distinct_entities(" ".join(words), patterns) == len({word.casefold() for word in words})


@pytest.mark.row("B7")
def test_empty_matches_are_no_entities() -> None:
    assert distinct_entities("bbb", {"maybe": re.compile("a*")}) == 0


def test_entities_are_looked_for_at_both_ends_and_not_across_the_cut() -> None:
    half = SCANNED_CHARACTERS // 2
    names = {"names": re.compile("head|tail|middle|xy")}
    assert distinct_entities("head" + "." * 50_000 + "middle" + "." * 50_000 + "tail", names) == 2
    assert distinct_entities("." * (half - 1) + "x" + "." * 9 + "y" + "." * (half - 1), names) == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("see\n```\nx\n```", True),
        ("int x = 1;\nreturn x;", True),
        ("def f(a):\n    return a", False),
        ("import os\ndef f(a):\n    return a", True),
        ("I want to import goods;\nplease let me know.", False),
        ("Dear team,\nreturn my order.\nlet me know!", False),
        ("", False),
    ],
)
def test_code_is_fenced_or_two_lines_that_look_like_it(text: str, code: bool) -> None:
    assert has_code(text) == code
