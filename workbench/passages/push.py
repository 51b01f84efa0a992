"""Brings built collections to a stack's bucket, where its routers find them within five minutes."""

from collections.abc import Iterable
from pathlib import Path

from signalbox.retrieval.errors import RetrievalUnavailable
from signalbox.retrieval.index import check
from signalbox.retrieval.sqlite import MOST_BYTES, object_key
from workbench.problem import Problem
from workbench.stack import Stack

BUCKET_OUTPUT = "CollectionsBucket"


def push(stack: Stack, file: Path, name: str) -> None:
    """Makes ``file`` the collection ``name``. Raises ``Problem``, ``StackNotFound`` and boto3's errors."""
    body = checked(file).read_bytes()
    bucket = stack.output(BUCKET_OUTPUT)
    stack.client("s3").put_object(Bucket=bucket, Key=object_key(name), Body=body, ContentType="application/vnd.sqlite3")


def push_all(stack: Stack, files: Iterable[Path]) -> None:
    """Each under its own name. Raises what ``push`` raises."""
    for file in files:
        push(stack, file, file.stem)


def checked(file: Path) -> Path:
    """Raises ``Problem`` for what the router could not search."""
    if not file.is_file():
        raise Problem(f"{file}: there is no such file; make one with `signalbox collection build DIR`.")
    if file.stat().st_size > MOST_BYTES:
        raise Problem(f"{file}: it is larger than {MOST_BYTES // 1_000_000} MB, which the router does not fetch.")
    try:
        check(file)
    except RetrievalUnavailable as error:
        raise Problem(f"{file}: {error}") from None
    return file
