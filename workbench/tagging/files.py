"""Files and the standard streams, opened so that a failure leaves what was there as it was."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, TextIO, cast

STANDARD = Path("-")


@contextmanager
def reading(path: Path) -> Iterator[tuple[TextIO, BinaryIO]]:
    """UTF-8 with or without a mark, newlines as they are; and the bytes beneath, to ask how far they are read.

    ``-`` is the standard input. Raises ``OSError``.
    """
    if path == STANDARD:
        raw = sys.stdin.buffer
        text = TextIOWrapper(raw, encoding="utf-8-sig", newline="")
        try:
            yield text, cast(BinaryIO, raw)
        finally:
            text.detach()  # closing it would close the standard input
        return
    with path.open("rb") as file, TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        yield text, file


@contextmanager
def writing(path: Path) -> Iterator[TextIO]:
    """UTF-8, newlines as given. The file appears when the block ends, whole; if it raises, nothing has changed.

    ``-`` is the standard output; a device or pipe is written to as it is. Raises ``OSError``.
    """
    if path == STANDARD:
        text = TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="")
        try:
            yield text
        finally:
            with suppress(ValueError):  # closed by whoever reads it
                text.detach()
        return
    final = path.resolve()  # through a link, so that the link stays one
    if final.exists() and not final.is_file():
        with final.open("w", encoding="utf-8", newline="") as text:
            yield text
        return
    beside = final.with_name(f".{final.name}.{os.getpid()}.tmp")
    try:
        with beside.open("x", encoding="utf-8", newline="") as text:
            yield text
        beside.replace(final)
    finally:
        beside.unlink(missing_ok=True)
