"""What somebody said becomes a query that SQLite takes, whatever it is."""

import re
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.retrieval.terms import MOST_CHARACTERS, MOST_TERMS, fts_query

pytestmark = pytest.mark.row("C7")

_QUERY = re.compile(r'("[^"\x00]+"( OR "[^"\x00]+")*)?')


@pytest.mark.parametrize(
    ("said", "query"),
    [
        ("How long does a REFUND take?", '"refund" OR "take"'),
        ('refund" OR title:*', '"refund" OR "title"'),
        ("NEAR(a b) NOT late AND fee", '"near" OR "b" OR "late" OR "fee"'),
        ("late late LATE fee", '"late" OR "fee"'),
        ("snake_case-id", '"snake" OR "case" OR "id"'),
        ("caf\u0065\u0301", '"caf\u00e9"'),
        ("What is it?", ""),
        ("\ud800\x00\U0001f600", ""),
    ],
)
def test_words_become_quoted_terms(said: str, query: str) -> None:
    assert fts_query(said) == query


def test_of_a_long_text_both_ends_count() -> None:
    pasted = " ".join(f"line{number}" for number in range(200_000))
    query = fts_query(f"refund {pasted} invoice")
    assert query.startswith('"refund" OR ')
    assert query.endswith(' OR "invoice"')
    assert query.count('"') == 2 * MOST_TERMS
    assert "line100000" not in query


@given(st.text(max_size=300) | st.text(alphabet='"*^:(){}+-<>[]\x00NEAR andORé\ud800_', max_size=60))
def test_no_text_is_a_syntax_error_or_an_operator(said: str) -> None:
    query = fts_query(said)
    assert _QUERY.fullmatch(query)
    if query:
        with sqlite3.connect(":memory:") as connection:
            connection.execute("CREATE VIRTUAL TABLE t USING fts5(a, tokenize = 'porter unicode61')")
            connection.execute("SELECT * FROM t WHERE t MATCH ?", (query,)).fetchall()
        connection.close()


@given(st.text(min_size=1, max_size=5))
def test_a_query_is_bounded(unit: str) -> None:
    assert len(fts_query(unit * MOST_CHARACTERS)) <= 3 * MOST_CHARACTERS + MOST_TERMS * 6
