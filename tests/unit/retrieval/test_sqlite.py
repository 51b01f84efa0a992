"""Files in S3: downloaded once, looked at again now and then; a bad one never takes the place of a good one."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.response import StreamingBody

from signalbox.contracts.passages import Passage
from signalbox.retrieval import sqlite
from signalbox.retrieval.errors import RetrievalUnavailable
from signalbox.retrieval.sqlite import LOOK_AGAIN_S, TRY_AGAIN_S, SqliteFiles
from tests.unit.retrieval.examples import PASSAGES, built, collection

pytestmark = pytest.mark.row("C7")

OTHER = (Passage(id="new", title="Cash", text="Cash is fine now."),)


def _refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "of somebody's document"}}, "GetObject")


@dataclass
class Bucket:
    """S3 as far as it is asked: one object, and what goes wrong with it."""

    body: bytes = b""
    etag: str = '"1"'
    wrong: Exception | None = None
    said_length: int | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    gate: threading.Event | None = None
    at_the_gate: threading.Event = field(default_factory=threading.Event)

    def get_object(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        if self.gate:
            self.at_the_gate.set()
            self.gate.wait(5)
        if self.wrong:
            raise self.wrong
        if asked.get("IfNoneMatch") == self.etag:
            raise _refused("304")
        length = len(self.body) if self.said_length is None else self.said_length
        body = StreamingBody(io.BytesIO(self.body), length)
        return {"Body": body, "ContentLength": length, "ETag": self.etag}


@dataclass
class Scene:
    bucket: Bucket
    files: SqliteFiles
    now_s: float = 1_000.0

    def found(self) -> list[str]:
        return [one.id for one in self.files.search(collection(), "cash")]


@pytest.fixture
def new(tmp_path: Path) -> bytes:
    return built(tmp_path / "new.sqlite", OTHER).read_bytes()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    bucket = Bucket(built(tmp_path / "billing.sqlite").read_bytes())
    scene = Scene(bucket, SqliteFiles("the-bucket", lambda: bucket))
    scene.files.now_s = lambda: scene.now_s
    return scene


def test_it_is_downloaded_once(scene: Scene) -> None:
    assert scene.found() == ["refunds.cash"]
    scene.now_s += LOOK_AGAIN_S - 1
    assert scene.found() == ["refunds.cash"]
    assert scene.bucket.asked == [{"Bucket": "the-bucket", "Key": "billing.sqlite"}]


def test_as_many_and_as_long_as_the_policy_says(scene: Scene) -> None:
    found = scene.files.search(collection(passages=1, most_characters=10), "money back")
    assert [one.text for one in found] == ["Money is"]


def test_it_is_looked_at_again_by_its_etag(scene: Scene, new: bytes) -> None:
    scene.found()
    scene.now_s += LOOK_AGAIN_S
    assert scene.found() == ["refunds.cash"]
    assert scene.bucket.asked[-1]["IfNoneMatch"] == '"1"'
    assert scene.files._copies["billing"].trouble == ""  # it is no failure
    scene.bucket.body, scene.bucket.etag = new, '"2"'
    scene.now_s += LOOK_AGAIN_S
    assert scene.found() == ["new"]
    assert len(scene.bucket.asked) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"wrong": _refused("SlowDown")},
        {"wrong": _refused("NoSuchKey")},
        {"wrong": EndpointConnectionError(endpoint_url="x")},
        {"wrong": ReadTimeoutError(endpoint_url="x")},
        {"body": b"no database"},
        {"said_length": 10_000_000},
    ],
    ids=lambda change: str(next(iter(change.items())))[:40],
)
def test_a_refresh_that_fails_keeps_the_old_file(scene: Scene, change: dict[str, Any]) -> None:
    scene.found()
    scene.now_s += LOOK_AGAIN_S
    scene.bucket.etag = '"2"'
    for name, value in change.items():
        setattr(scene.bucket, name, value)
    assert scene.found() == ["refunds.cash"]
    assert scene.found() == ["refunds.cash"]
    assert len(scene.bucket.asked) == 2


def test_a_file_that_would_fill_the_disk_is_not_fetched(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "MOST_BYTES", len(scene.bucket.body) - 1)
    with pytest.raises(RetrievalUnavailable, match="the file is larger than"):
        scene.found()
    monkeypatch.setattr(sqlite, "MOST_BYTES", len(scene.bucket.body))
    scene.now_s += TRY_AGAIN_S
    assert scene.found() == ["refunds.cash"]


def test_what_was_bad_is_fetched_again_when_it_is_good(scene: Scene, new: bytes) -> None:
    scene.found()
    scene.bucket.etag, scene.bucket.body = '"2"', b"bad"
    scene.now_s += LOOK_AGAIN_S
    scene.found()
    scene.bucket.body = new
    scene.now_s += LOOK_AGAIN_S
    assert scene.found() == ["new"]


@pytest.mark.parametrize(("code", "told"), [("NoSuchKey", "NoSuchKey"), ("AccessDenied", "AccessDenied")])
def test_none_yet(scene: Scene, code: str, told: str) -> None:
    scene.bucket.wrong = _refused(code)
    for _ in range(2):
        with pytest.raises(RetrievalUnavailable, match=f"billing: get_object failed: {told}$"):
            scene.found()
    assert len(scene.bucket.asked) == 1
    scene.bucket.wrong = None
    scene.now_s += TRY_AGAIN_S
    assert scene.found() == ["refunds.cash"]


def test_no_place_to_keep_it(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device: /some/where")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(RetrievalUnavailable, match=r"could not be kept \(OSError\)"):
        scene.found()


def test_many_at_once_download_once(scene: Scene) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: scene.found(), range(16))) == [["refunds.cash"]] * 16
    assert len(scene.bucket.asked) == 1


def test_who_has_an_old_file_does_not_wait_for_the_new_one(scene: Scene, new: bytes) -> None:
    scene.found()
    scene.now_s += LOOK_AGAIN_S
    scene.bucket.body, scene.bucket.etag, scene.bucket.gate = new, '"2"', threading.Event()
    with ThreadPoolExecutor(1) as pool:
        refreshing = pool.submit(scene.found)
        assert scene.bucket.at_the_gate.wait(5)
        assert scene.found() == ["refunds.cash"]
        scene.bucket.gate.set()
        assert refreshing.result() == ["new"]
    assert scene.found() == ["new"]


def test_each_collection_has_its_own_file(scene: Scene, new: bytes) -> None:
    scene.found()
    scene.bucket.body, scene.bucket.etag = new, '"2"'
    assert [one.id for one in scene.files.search(collection("other"), "cash")] == ["new"]
    assert scene.found() == ["refunds.cash"]
    assert [asked["Key"] for asked in scene.bucket.asked] == ["billing.sqlite", "other.sqlite"]


def test_nothing_stays_behind(scene: Scene) -> None:
    scene.found()
    copy = scene.files._copies["billing"]
    assert copy.file is not None
    assert [one.name for one in copy.file.parent.iterdir()] == ["billing.sqlite"]
    assert PASSAGES[1] in scene.files.search(collection(), "cash")
    folder, file = copy.folder, copy.file
    assert folder is not None
    folder.cleanup()
    assert not file.parent.exists()
