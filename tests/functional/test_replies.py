"""Replies in a real DynamoDB, long values in a real S3."""

import random
import string
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from signalbox.contracts.plans import StepResult
from signalbox.conversations.bodies import S3Bodies
from signalbox.replies import items
from signalbox.replies.dynamo import DynamoReplies
from signalbox.transport.dynamodb import DynamoDB, StoreUnavailable
from tests.builders import FakeClock
from tests.fakes.bodies import MemoryBodies
from tests.functional.faulty_proxy import Fault, Proxy, faulty_proxy
from tests.functional.stores import Stores, aws_keys
from tests.unit.replies.contract import ID, KEEP_S, START_MS, RepliesContract, Setting, final, head, job, said

pytestmark = pytest.mark.row("A11")


@dataclass
class Place(Setting):
    """A setting with its stores, to look behind it."""

    stores: Stores
    table: str
    bucket: str

    def names(self) -> list[str]:
        found = self.stores.dynamodb.query(self.table, "#reply = :reply", {":reply": f"alice#{ID}"}, names=_REPLY)
        return [item["item"] for item in found]

    def objects(self) -> dict[str, int]:
        """Sizes in bytes by key."""
        found = self.stores.boto("s3").list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return {one["Key"]: one["Size"] for one in found}


_REPLY = {"#reply": "reply"}


@pytest.fixture
def place(stores: Stores) -> Place:
    table, bucket, clock, client = stores.table("Replies"), stores.bucket(), FakeClock(START_MS), stores.boto("s3")
    port = DynamoReplies(stores.dynamodb, table, S3Bodies(bucket, lambda: client), KEEP_S, clock)
    return Place(port, clock, stores, table, bucket)


def letters(count: int) -> str:
    """Text that compresses to three quarters at best."""
    return "".join(random.Random(count).choices(string.ascii_letters, k=count))  # noqa: S311 - nothing to guess


class TestRepliesInAws(RepliesContract):
    @pytest.fixture
    def at(self, place: Place) -> Setting:
        return place


class TestLongRepliesInAws(RepliesContract):
    """Every value is too long for an item."""

    @pytest.fixture
    def at(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> Setting:
        monkeypatch.setattr(items, "MOST_ITEM_BYTES", 0)
        return place


def test_what_no_item_holds_is_in_the_bucket_until_it_is_erased(place: Place) -> None:
    long = letters(600_000)
    kept = place.started(long)
    result = StepResult(step="verify", reply=said(long[::-1], "large"))
    assert place.port.record("alice", ID, result) == result
    assert place.port.conclude("alice", ID, final("short")) == final("short")
    progress = place.port.progress("alice", ID)
    assert progress
    assert (progress.job, progress.results, progress.conclusion) == (kept, (result,), final("short"))
    objects = place.objects()
    assert len(objects) == 2
    assert all(key.startswith(f"alice/replies/{ID}/") for key in objects)
    assert all(size > items.MOST_ITEM_BYTES for size in objects.values())
    place.port.erase("alice", ID)
    assert (place.names(), place.objects()) == ([], {})


def test_a_long_conclusion_is_told_to_who_waits(place: Place) -> None:
    place.started()
    long = final(letters(600_000))
    place.port.conclude("alice", ID, long)
    assert place.port.conclude("alice", ID, final("another")) == long
    assert place.port.head("alice", ID) == (head(), long)


def test_everything_says_when_it_expires_and_the_head_is_first(place: Place) -> None:
    place.started()
    place.clock.at_ms += 5_000
    place.port.begin("alice", ID, "verify-1")
    place.port.record("alice", ID, StepResult(step="verify"))
    place.port.conclude("alice", ID, final())
    found = list(place.stores.dynamodb.query(place.table, "#reply = :reply", {":reply": f"alice#{ID}"}, names=_REPLY))
    expiries = {item["item"]: item["expires_at"] for item in found}
    assert len(expiries) == 5
    assert expiries["head"] == START_MS // 1_000 + KEEP_S == min(expiries.values())


@pytest.fixture
def proxy(stores: Stores) -> Iterator[Proxy]:
    with faulty_proxy(stores.url) as running:
        yield running


@pytest.mark.row("E2")
@pytest.mark.parametrize("fault", ["dropped", "cut", "failed", "throttled", "garbled", "flipped", "idle"])
def test_whatever_breaks_on_the_way_a_first_write_reads_as_first(place: Place, proxy: Proxy, fault: Fault) -> None:
    with httpx.Client() as client:
        dynamodb = DynamoDB(place.stores.dynamodb.region, proxy.url, aws_keys, lambda: client)
        port = DynamoReplies(dynamodb, place.table, MemoryBodies(), KEEP_S, place.clock)
        proxy.faults += [fault]
        port.put(job(), head())
        proxy.faults += [fault]
        assert port.begin("alice", ID, "verify-1")
        assert not port.begin("alice", ID, "verify-1")
        result = StepResult(step="verify", reply=said("one"))
        proxy.faults += [fault, fault]
        assert port.record("alice", ID, result) == result
        proxy.faults += [fault]
        assert port.conclude("alice", ID, final()) == final()
        proxy.faults += [fault]
        assert port.head("alice", ID) == (head(), final())


def test_a_table_that_is_not_there_is_told(stores: Stores) -> None:
    port = DynamoReplies(stores.dynamodb, "nowhere", MemoryBodies(), KEEP_S, FakeClock(START_MS))
    with pytest.raises(StoreUnavailable):
        port.put(job(), head())
    with pytest.raises(StoreUnavailable):
        port.head("alice", ID)
