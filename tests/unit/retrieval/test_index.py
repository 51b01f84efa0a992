"""The file of a collection: what is found in it, and what is no such file."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.contracts.passages import Passage
from signalbox.retrieval.errors import RetrievalUnavailable
from signalbox.retrieval.index import TABLE, check, search_file
from tests.unit.retrieval.examples import PASSAGES, billing, built
from workbench.passages.build import write
from workbench.passages.documents import heading_of

pytestmark = pytest.mark.row("C7")


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("index") / "billing.sqlite", billing())


@pytest.mark.parametrize("passage", billing(), ids=lambda one: one.id)
def test_a_passage_is_found_by_its_own_heading(example: Path, passage: Passage) -> None:
    assert passage in search_file(example, heading_of(passage), 4, 1200)


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("My card was charged twice. What now?", "refunds.duplicate-charges"),
        ("What does it cost if I leave early?", "cancellation.early-termination-fee"),
        ("phone was stolen, who pays for the calls", "fraud-holds.liability-for-stolen-lines"),
        ("how much is data in Turkey", "roaming-charges.roaming-outside-the-eu"),
        ("card declined, will you try again?", "failed-payments.automatic-retries"),
        ("invoice has the wrong VAT number", "invoices-and-vat.correcting-an-invoice"),
    ],
)
def test_a_passage_is_found_by_a_customers_question(example: Path, question: str, passage: str) -> None:
    assert passage in [one.id for one in search_file(example, question, 4, 1200)]


def test_a_heading_counts_for_more_than_the_text(tmp_path: Path) -> None:
    text = Passage(id="text", title="Other", text="porting")
    heading = Passage(id="heading", title="Porting", text="other words")
    found = search_file(built(tmp_path / "x", (text, heading)), "porting", 2, 100)
    assert [one.id for one in found] == ["heading", "text"]


def test_stems_and_accents_do_not_count(tmp_path: Path) -> None:
    file = built(tmp_path / "x", (Passage(id="a", title="Café", text="refunded"),))
    assert search_file(file, "cafe", 1, 100) == search_file(file, "CAFÉ", 1, 100) != ()
    assert search_file(file, "refunds", 1, 100)


def test_equals_stand_in_the_order_of_the_documents(tmp_path: Path) -> None:
    same = tuple(Passage(id=name, title="Same", text="the same words") for name in "cab")
    assert [one.id for one in search_file(built(tmp_path / "x", same), "same words", 3, 100)] == ["c", "a", "b"]


def test_nothing_fits(example: Path) -> None:
    assert search_file(example, "xylophone", 4, 1200) == ()
    assert search_file(example, "what is it?", 4, 1200) == ()
    assert search_file(example, "", 4, 1200) == ()


LONG = "refund " * 150_000


@given(
    query=st.text(max_size=200)
    | st.sampled_from(['"', "NEAR(refund fee, 2)", "ref*", "title : refund", "\x00", "\U0001f600", LONG]),
    passages=st.integers(1, 20),
    most_characters=st.integers(100, 400),
)
def test_no_query_fails_or_finds_more_than_is_allowed(
    example: Path, query: str, passages: int, most_characters: int
) -> None:
    found = search_file(example, query, passages, most_characters)
    assert len(found) <= passages
    assert all(len(one.text) <= most_characters for one in found)


def _cut_in_half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _overwritten(file: Path) -> None:
    body = bytearray(file.read_bytes())
    body[4096:] = b"\xff" * (len(body) - 4096)
    file.write_bytes(body)


def _no_database(file: Path) -> None:
    file.write_text("hello")


def _another_database(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA application_id = 1")


def _another_version(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 99")


def _without_its_table(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TABLE passages")


def _indexed_by_a_module_that_is_not_there(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, 'fts5', 'fts9') WHERE name = 'passages'")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (_cut_in_half, "damaged"),
        (_overwritten, "damaged"),
        (_no_database, "damaged"),
        (_another_database, "build it again"),
        (_another_version, "build it again"),
        (_without_its_table, "no such table"),
        (_indexed_by_a_module_that_is_not_there, "no such module"),
        (Path.unlink, "open"),
    ],
)
def test_what_cannot_be_searched_is_told(tmp_path: Path, damage: Callable[[Path], None], told: str) -> None:
    file = built(tmp_path / "x.sqlite")
    check(file)
    damage(file)
    with pytest.raises(RetrievalUnavailable, match=told):
        check(file)


def test_any_page_that_is_damaged_is_noticed(tmp_path: Path) -> None:
    whole = built(tmp_path / "x.sqlite").read_bytes()
    for begin in range(4096, len(whole), 4096):
        file = tmp_path / f"{begin}.sqlite"
        file.write_bytes(whole[:begin] + b"\xff" * 4096 + whole[begin + 4096 :])
        with pytest.raises(RetrievalUnavailable, match="damaged"):
            check(file)


def test_a_search_that_breaks_tells_nothing_of_what_was_asked(tmp_path: Path) -> None:
    write(PASSAGES, file := tmp_path / "x.sqlite", TABLE)
    _overwritten(file)
    with pytest.raises(RetrievalUnavailable) as raised:
        search_file(file, "my secret refund", 4, 1200)
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_a_file_is_read_while_it_is_read_only(tmp_path: Path) -> None:
    file = built(tmp_path / "x y?#%.sqlite")
    file.chmod(0o400)
    assert search_file(file, "cash", 4, 1200)[0] == PASSAGES[1]
    assert [one.name for one in tmp_path.iterdir()] == [file.name]
