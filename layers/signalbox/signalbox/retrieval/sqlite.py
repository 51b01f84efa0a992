"""Collections as SQLite files in S3: each is downloaded once per process, and looked at again now and then."""

import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from signalbox.contracts.passages import Passage
from signalbox.policy.resolved import Collection
from signalbox.retrieval.errors import RetrievalUnavailable
from signalbox.retrieval.index import check, search_file

LOOK_AGAIN_S = 300
# Where there is none yet, or none that can be read.
TRY_AGAIN_S = 10
CONNECT_LIMIT_S = 1
READ_LIMIT_S = 5
ATTEMPTS = 2
# A Lambda has 512 MB of disk, and a new file stands beside the old one for a moment.
MOST_BYTES = 200_000_000
_CHUNK_BYTES = 1_000_000


@cache
def _ambient_client() -> Any:
    from botocore.config import Config
    from botocore.session import Session  # 140 ms of CPU, and hardly ever needed

    limits = Config(
        connect_timeout=CONNECT_LIMIT_S, read_timeout=READ_LIMIT_S, retries={"total_max_attempts": ATTEMPTS}
    )
    return Session().create_client("s3", config=limits)


def object_key(collection: str) -> str:
    """Where a collection's file is in the bucket."""
    return f"{collection}.sqlite"


@dataclass
class _Copy:
    """What this process has of one collection. ``lock`` is held while it is looked at."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    folder: "tempfile.TemporaryDirectory[str] | None" = None  # this process's own, gone when it ends
    file: Path | None = None
    etag: str = ""
    look_at_s: float = 0.0  # monotonic
    trouble: str = ""  # why there is no file


@dataclass
class SqliteFiles:
    """The files of ``bucket``. Threads may share it."""

    bucket: str
    client: Callable[[], Any] = field(default=_ambient_client)
    now_s: Callable[[], float] = time.monotonic
    _copies: dict[str, _Copy] = field(default_factory=dict)

    def search(self, collection: Collection, query: str) -> tuple[Passage, ...]:
        """Raises ``RetrievalUnavailable``."""
        return search_file(self._file(collection.name), query, collection.passages, collection.most_characters)

    def _file(self, name: str) -> Path:
        copy = self._copies.setdefault(name, _Copy())
        # Who has an old file does not wait for the one who fetches a new one.
        if copy.lock.acquire(blocking=copy.file is None):
            try:
                if self.now_s() >= copy.look_at_s:
                    self._look(name, copy)
            finally:
                copy.lock.release()
        if copy.file is None:
            raise RetrievalUnavailable(f"{name}: {copy.trouble}")
        return copy.file

    def _look(self, name: str, copy: _Copy) -> None:
        """Takes up what is new in the bucket. Where that fails, the old file stays."""
        try:
            self._refresh(name, copy)
        except RetrievalUnavailable as error:
            copy.trouble = str(error)
        except OSError as error:
            copy.trouble = f"the file could not be kept ({type(error).__name__})"
        copy.look_at_s = self.now_s() + (LOOK_AGAIN_S if copy.file else TRY_AGAIN_S)

    def _refresh(self, name: str, copy: _Copy) -> None:
        if copy.folder is None:
            copy.folder = tempfile.TemporaryDirectory(prefix="signalbox-collection-")
        aside = Path(copy.folder.name, "new")
        etag = self._download(object_key(name), copy.etag, aside)
        if etag is None:
            return
        check(aside)
        # Whoever has the old one open goes on reading it.
        copy.file, copy.etag = aside.replace(Path(copy.folder.name, object_key(name))), etag

    def _download(self, key: str, etag: str, to: Path) -> str | None:
        """Its ETag; None when it is still the one that ``etag`` names. Raises ``RetrievalUnavailable``."""
        from botocore.exceptions import BotoCoreError, ClientError

        unless = {"IfNoneMatch": etag} if etag else {}
        try:
            answer = self.client().get_object(Bucket=self.bucket, Key=key, **unless)
            if answer["ContentLength"] > MOST_BYTES:
                raise RetrievalUnavailable(f"the file is larger than {MOST_BYTES} bytes")
            with to.open("wb") as file:
                for chunk in answer["Body"].iter_chunks(_CHUNK_BYTES):
                    file.write(chunk)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code"))
            if code in ("304", "NotModified"):
                return None
            raise RetrievalUnavailable(f"get_object failed: {code}") from None
        except BotoCoreError as error:
            raise RetrievalUnavailable(f"get_object failed: {type(error).__name__}") from None
        return str(answer["ETag"])
