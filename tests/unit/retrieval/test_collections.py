"""The port: files here, Knowledge Bases there, and one contract for both and for the one in memory."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from signalbox.contracts.passages import Passage
from signalbox.execution.ports import Collections
from signalbox.policy.resolved import Collection
from signalbox.retrieval.bedrock import KnowledgeBases
from signalbox.retrieval.collections import PolicyCollections
from signalbox.retrieval.errors import RetrievalUnavailable
from tests.fakes.collections import MemoryCollections
from tests.unit.retrieval.examples import PASSAGES, built, collection, knowledge_base
from tests.unit.retrieval.test_sqlite import Bucket

pytestmark = [pytest.mark.row("C7"), pytest.mark.row("A8")]

KNOWN = {"billing": collection(passages=2, most_characters=20), "bases": knowledge_base(), "empty": collection("empty")}
Make = Callable[[], Collections]


def on_files(file: Path) -> tuple[PolicyCollections, Bucket]:
    made, bucket = PolicyCollections(KNOWN, "bucket", "eu-west-1"), Bucket(file.read_bytes())
    made.files.client = lambda: bucket
    return made, bucket


@pytest.fixture(params=["files", "memory"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Collections:
    if request.param == "files":
        return on_files(built(tmp_path / "billing.sqlite"))[0]
    return MemoryCollections(KNOWN, {"billing": PASSAGES})


def test_the_best_come_first_as_many_and_as_long_as_the_policy_says(shelf: Collections) -> None:
    found = shelf.search("billing", "money back in cash", 3_000)
    assert [one.id for one in found] == ["refunds.cash", "refunds.cards"]
    assert all(len(one.text) <= 20 for one in found)


def test_nothing_fits(shelf: Collections) -> None:
    assert shelf.search("billing", "xylophone", 3_000) == ()


def test_no_such_collection(shelf: Collections) -> None:
    with pytest.raises(RetrievalUnavailable):
        shelf.search("another", "my secret", 3_000)


def test_no_time(shelf: Collections) -> None:
    with pytest.raises(RetrievalUnavailable):
        shelf.search("billing", "money", 0)


def test_a_knowledge_base_is_asked_where_the_policy_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def search(bases: KnowledgeBases, known: Collection, query: str, limit_ms: int) -> tuple[Passage, ...]:
        asked.extend([bases.region, bases.url, known, query, limit_ms])
        return PASSAGES

    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_BEDROCK_AGENT_RUNTIME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(KnowledgeBases, "search", search)
    assert PolicyCollections(KNOWN, "bucket", "eu-west-1").search("bases", "refund?", 700) == PASSAGES
    url = "https://bedrock-agent-runtime.eu-west-1.amazonaws.com"
    assert asked == ["eu-west-1", url, KNOWN["bases"], "refund?", 700]


def test_a_download_that_takes_too_long_serves_the_next_one(tmp_path: Path) -> None:
    shelf, bucket = on_files(built(tmp_path / "billing.sqlite"))
    bucket.gate = threading.Event()
    with pytest.raises(RetrievalUnavailable, match="billing: not searched within 50 ms") as raised:
        shelf.search("billing", "my secret", 50)
    assert "secret" not in str(raised.value)
    bucket.gate.set()
    assert shelf.search("billing", "cash", 5_000)
    assert len(bucket.asked) == 1


def test_nothing_dear_is_imported_before_something_is_searched() -> None:
    code = "import sys, signalbox.retrieval.collections as c; c.PolicyCollections({}, 'b', 'r'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "signalbox.retrieval.collections" in loaded
    assert not {"sqlite3", "botocore", "boto3", "signalbox.retrieval.sqlite", "signalbox.retrieval.bedrock"} & {*loaded}
