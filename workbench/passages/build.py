"""Documents → the SQLite file that the router searches."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from signalbox.contracts.passages import Passage
from signalbox.retrieval.index import APPLICATION_ID, SCHEMA_VERSION, TABLE
from signalbox.retrieval.sqlite import object_key
from workbench.passages.documents import SUFFIXES, heading_of, read_documents

_INSERT = "INSERT INTO passages(rowid, id, title, heading, text) VALUES (?, ?, ?, ?, ?)"


def build(folder: Path, file: Path) -> int:
    """Makes ``file`` of the documents in ``folder``; how many passages it has. Raises ``Problem``."""
    passages = read_documents(folder)
    write(passages, file)
    return len(passages)


def write(passages: Sequence[Passage], file: Path, table: str = TABLE) -> None:
    """The same passages make the same bytes, under one version of SQLite. Whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f".{file.name}.new")
    aside.unlink(missing_ok=True)
    with closing(sqlite3.connect(aside, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("BEGIN")
        connection.execute(table)
        rows = [(number, one.id, one.title, heading_of(one), one.text) for number, one in enumerate(passages, 1)]
        connection.executemany(_INSERT, rows)
        connection.execute("INSERT INTO passages(passages) VALUES ('optimize')")
        connection.execute("COMMIT")
        connection.execute("VACUUM")
    aside.replace(file)


def build_all(folder: Path, out: Path) -> list[Path]:
    """One file in ``out`` for each folder of documents in ``folder``, called after it. Raises ``Problem``."""
    made = []
    for one in sorted(folder.iterdir()) if folder.is_dir() else []:
        if one.is_dir() and any(file.suffix.lower() in SUFFIXES for file in one.rglob("*")):
            file = out / object_key(one.name)
            build(one, file)
            made.append(file)
    return made
