"""One collection as one SQLite file: a full-text index of its passages, ranked by BM25.

SQLite and its module FTS5 are part of Lambda's Python (Amazon Linux 2023 builds it as Fedora does); that it is there
is seen when a file is opened. Source: https://sqlite.org/fts5.html
"""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from signalbox.contracts.passages import Passage
from signalbox.retrieval.errors import RetrievalUnavailable
from signalbox.retrieval.passages import passage
from signalbox.retrieval.terms import fts_query

if TYPE_CHECKING:
    from sqlite3 import Connection

# In the file's header: what it is ("SBOX"), and the shape of what is in it.
APPLICATION_ID = 0x53424F58
SCHEMA_VERSION = 1
# ``heading`` is the end of ``title`` once more: a passage is more about its own heading than about those above.
# Stems and accents do not count: ``refunded`` finds ``refunds``. Other languages than English keep their words.
TABLE = """CREATE VIRTUAL TABLE passages USING fts5(
    id UNINDEXED, title, heading, text, tokenize = 'porter unicode61 remove_diacritics 2')"""

# Weights of id, title, heading and text, measured on the example collection (docs/retrieval.md).
_FIND = """SELECT id, title, text FROM passages WHERE passages MATCH ?
    ORDER BY bm25(passages, 0, 1, 4, 1), rowid LIMIT ?"""


def check(file: Path) -> None:
    """Raises ``RetrievalUnavailable`` unless ``file`` is a collection that this process can search."""
    with closing(_opened(file)) as connection:
        _checked(connection)


def search_file(file: Path, query: str, passages: int, most_characters: int) -> tuple[Passage, ...]:
    """Those that fit ``query`` best, best first; none when no word of it is in them. Raises ``RetrievalUnavailable``.

    A connection a search: opening one takes less than the search, and no two threads share it.
    """
    import sqlite3

    terms = fts_query(query)
    with closing(_opened(file)) as connection:
        try:
            found = connection.execute(_FIND, (terms, passages)).fetchall() if terms else []
        except sqlite3.Error as error:
            # Cut off: SQLite quotes the query.
            raise RetrievalUnavailable(f"the collection is damaged ({type(error).__name__})") from None
    return tuple(passage(name, title, text, most_characters) for name, title, text in found)


def _opened(file: Path) -> "Connection":
    """Read-only, and nobody else writes to it: no locks, no journal."""
    import sqlite3

    try:
        return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    except sqlite3.Error as error:
        raise RetrievalUnavailable(f"the collection cannot be opened ({error})") from None


def _checked(connection: "Connection") -> None:
    import sqlite3

    try:
        ours = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if (ours, version) != (APPLICATION_ID, SCHEMA_VERSION):
            raise RetrievalUnavailable(f"it is no collection of version {SCHEMA_VERSION}: build it again")
        # Touches the index, so a SQLite without FTS5 says so here.
        connection.execute(_FIND, ('"x"', 1)).fetchall()
        broken = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise RetrievalUnavailable(f"the collection is damaged ({error})") from None
    if broken != "ok":
        raise RetrievalUnavailable("the collection is damaged")
