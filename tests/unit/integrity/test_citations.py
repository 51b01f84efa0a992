"""References are found however models write them, in one pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.integrity.citations import cited

_IDS = st.from_regex(r"[A-Za-z0-9._-]{1,80}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("none [1] [doc] doc:a (doc:a)", ()),
        ("[doc:a]", ("a",)),
        ("[doc:b] [doc:a] [doc:b]", ("b", "a")),
        ("[doc:a, doc:b,c]", ("a", "b", "c")),
        ("[ doc: a ] and [DOC:A]", ("a", "A")),
        ("[[doc:a]]", ("a",)),
        ("[doc:a [doc:b]", ("b",)),
        ("[doc:a", ()),
        ("[doc:a\n]", ()),
        ("[doc:]", ("",)),
    ],
)
def test_references(text: str, ids: tuple[str, ...]) -> None:
    assert cited(text) == ids


@given(st.lists(st.tuples(st.text(alphabet="ab ,.:]d\n", max_size=20), st.lists(_IDS, min_size=1, max_size=3))))
def test_every_reference_is_found_whatever_stands_around(pieces: list[tuple[str, list[str]]]) -> None:
    text = "".join(f"{around}[doc:{', '.join(ids)}]" for around, ids in pieces)
    assert cited(text) == tuple(dict.fromkeys(one for _, ids in pieces for one in ids))


@pytest.mark.parametrize("piece", ["[doc:", "[", "[ ", "[doc:a,", "[doc: ", "doc:", "]"])
def test_a_hostile_text_is_gone_over_once(piece: str) -> None:
    """A million pieces: with a step back over the rest at each of them this would not end."""
    assert len(cited(piece * 1_000_000 + "x")) <= 1
