"""Our client against two DynamoDBs, MiniStack's and moto's, and through a proxy that breaks."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import boto3
import httpx
import pytest
import requests
from boto3.dynamodb.types import TypeSerializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from signalbox.transport import dynamodb
from signalbox.transport.dynamodb import ConditionFailed, DynamoDB, StoreUnavailable, TransactionRefused, Write, to_wire
from tests.functional.faulty_proxy import Fault, Proxy, faulty_proxy
from tests.functional.stores import Stores, aws_keys

REGION = "eu-north-1"
ADD = Write("Update", "", {"counter": "c", "window": "w"}, "ADD n :one", values={":one": 1})


@dataclass(frozen=True)
class World:
    """``table`` has the string keys ``counter`` and ``window``; ``official`` is boto3's client."""

    ours: DynamoDB
    official: Any
    table: str

    def put(self, *windows: str, **more: Any) -> None:
        for window in windows:
            self.ours.put(self.table, {"counter": "c", "window": window, **more})


@pytest.fixture(params=["ministack", "moto"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "ministack":
        stores: Stores = request.getfixturevalue("stores")
        yield World(stores.dynamodb, stores.boto("dynamodb"), stores.table("Counters"))
        return
    with mock_aws(), httpx.Client(transport=httpx.MockTransport(to_moto)) as client:
        official = boto3.client("dynamodb", REGION, aws_access_key_id="test", aws_secret_access_key="test")
        official.create_table(
            TableName="Counters",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "counter", "KeyType": "HASH"},
                {"AttributeName": "window", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("counter", "window")],
        )
        ours = DynamoDB(REGION, f"https://dynamodb.{REGION}.amazonaws.com", aws_keys, lambda: client)
        yield World(ours, official, "Counters")


def to_moto(request: httpx.Request) -> httpx.Response:
    """moto answers inside ``requests``."""
    answer = requests.post(str(request.url), data=request.content, headers=dict(request.headers), timeout=5)
    checksum = {name: value for name, value in answer.headers.items() if name.lower() == "x-amz-crc32"}
    return httpx.Response(answer.status_code, headers=checksum, content=answer.content)


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**38) + 1, 10**38 - 1),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    st.binary(max_size=10),
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(held=st.dictionaries(names, values, max_size=4))
def test_what_is_put_is_what_is_got_and_what_boto3_puts(world: World, held: dict[str, Any]) -> None:
    key = {"counter": "c", "window": "ours"}
    world.ours.put(world.table, {**key, "held": held})
    found = world.ours.get(world.table, key)
    assert found == {**key, "held": held}
    assert to_wire(found) == to_wire({**key, "held": held})  # True is no 1
    theirs = TypeSerializer().serialize(held)
    world.official.put_item(
        TableName=world.table, Item={**to_wire({"counter": "c", "window": "theirs"}), "held": theirs}
    )
    other = world.ours.get(world.table, {"counter": "c", "window": "theirs"})
    assert other is not None
    assert other["held"] == held


def test_nothing_is_none(world: World) -> None:
    assert world.ours.get(world.table, {"counter": "c", "window": "w"}) is None


def test_a_condition_shows_what_was_there(world: World) -> None:
    world.put("1", n=7)
    for write in (
        lambda: world.ours.put(
            world.table, {"counter": "c", "window": "1"}, condition="attribute_not_exists(#c)", names={"#c": "counter"}
        ),
        lambda: world.ours.update(
            world.table, {"counter": "c", "window": "1"}, "SET n = :n", condition="n = :n", values={":n": 8}
        ),
        lambda: world.ours.delete(world.table, {"counter": "c", "window": "1"}, condition="n = :n", values={":n": 8}),
    ):
        with pytest.raises(ConditionFailed) as failed:
            write()
        assert failed.value.item == {"counter": "c", "window": "1", "n": 7}
    with pytest.raises(ConditionFailed) as nothing:
        world.ours.delete(world.table, {"counter": "c", "window": "2"}, condition="attribute_exists(n)")
    assert nothing.value.item is None


def test_an_update_gives_the_item_before_or_after(world: World) -> None:
    key = {"counter": "c", "window": "w"}
    count: Any = {"values": {":one": 1}}
    assert world.ours.update(world.table, key, "ADD n :one", **count) == {}
    assert world.ours.update(world.table, key, "ADD n :one", returned="ALL_OLD", **count) == {**key, "n": 1}
    assert world.ours.update(world.table, key, "ADD n :one", returned="ALL_NEW", **count) == {**key, "n": 3}


def test_a_query_goes_on_past_a_page(world: World) -> None:
    windows = [str(number) for number in range(6)]
    world.put(*windows, filling="x" * 300_000)  # a page is 1 MB
    condition, given = "#c = :c AND #w >= :w", {":c": "c", ":w": "0"}
    called: Any = {"names": {"#c": "counter", "#w": "window"}}
    found = world.ours.query(world.table, condition, given, **called)
    assert [item["window"] for item in found] == windows
    backwards = world.ours.query(world.table, condition, given, limit=5, forward=False, consistent=True, **called)
    assert [item["window"] for item in backwards] == windows[:0:-1]
    assert list(world.ours.query(world.table, condition, given, limit=0, **called)) == []
    few = world.ours.query(world.table, condition, given, limit=2, projection="#w", **called)
    assert list(few) == [{"window": "0"}, {"window": "1"}]
    assert sorted(item["window"] for item in world.ours.scan(world.table, consistent=True)) == windows


def test_many_are_read_at_once(world: World) -> None:
    windows = [f"{number:03}" for number in range(98)]
    world.put(*windows)
    keys = [{"counter": "c", "window": window} for window in [*windows, "none", "neither"]]
    found = world.ours.batch_get(world.table, keys, consistent=True)
    assert sorted(item["window"] for item in found) == windows
    big = [f"big{number}" for number in range(8)]
    world.put(*big, filling="x" * 390_000)
    # 3 MB of it; a reply has 5 MB at most.
    assert len(world.ours.batch_get(world.table, [{"counter": "c", "window": window} for window in big])) == 8


@pytest.mark.row("E2")
def test_a_transaction_is_all_or_nothing_and_says_why(world: World) -> None:
    world.put("1", n=1)
    world.put("2", n=2)

    def write(kind: Any, window: str, **more: Any) -> Write:
        return Write(kind, world.table, {"counter": "c", "window": window}, **more)

    refused = [
        write("Put", "new"),
        write("Update", "1", update="SET n = :n", condition="n = :n", values={":n": 9}),
        write("ConditionCheck", "none", condition="attribute_exists(n)"),
        write("Delete", "2"),
    ]
    with pytest.raises(TransactionRefused) as failed:
        world.ours.transact(refused)
    assert failed.value.items == {1: {"counter": "c", "window": "1", "n": 1}, 2: None}
    assert sorted(item["window"] for item in world.ours.scan(world.table)) == ["1", "2"]
    world.ours.transact([refused[0], replace(refused[1], condition=None), refused[3]])
    assert {item["window"]: item.get("n") for item in world.ours.scan(world.table)} == {"1": 9, "new": None}


def test_a_table_that_is_not_there_is_told_by_its_code(world: World) -> None:
    with pytest.raises(StoreUnavailable, match=r"^GetItem failed: ResourceNotFoundException$"):
        world.ours.get("nowhere", {"counter": "c", "window": "w"})
    with pytest.raises(StoreUnavailable, match=r"^PutItem failed: ValidationException$"):
        world.ours.put(world.table, {"counter": "c"})


@pytest.fixture
def proxy(stores: Stores) -> Iterator[Proxy]:
    with faulty_proxy(stores.url) as running:
        yield running


@pytest.fixture
def store(proxy: Proxy, stores: Stores) -> Iterator[DynamoDB]:
    with httpx.Client() as client:
        yield replace(stores.dynamodb, url=proxy.url, client=lambda: client)


AFTER: list[Fault] = ["dropped", "cut", "garbled", "flipped"]
BEFORE: list[Fault] = ["failed", "throttled"]


@pytest.mark.row("E2")
@pytest.mark.parametrize("fault", [*AFTER, *BEFORE])
def test_a_transaction_is_carried_out_once_however_often_its_answer_is_lost(
    fault: Fault, proxy: Proxy, store: DynamoDB, stores: Stores
) -> None:
    add = replace(ADD, table=stores.table("Counters"))
    proxy.faults.extend([fault] * 3)
    store.transact([add])
    assert len(proxy.asked) == 4
    assert (stores.dynamodb.get(add.table, add.item) or {})["n"] == 1
    store.transact([add])
    assert (stores.dynamodb.get(add.table, add.item) or {})["n"] == 2


@pytest.mark.row("E2")
@pytest.mark.parametrize("fault", AFTER)
def test_a_lost_answer_to_a_conditional_write_shows_what_was_written(
    fault: Fault, proxy: Proxy, store: DynamoDB, stores: Stores
) -> None:
    """So a caller can tell its own write from another's."""
    item = {"counter": "c", "window": "w", "by": "me"}
    proxy.faults.append(fault)
    with pytest.raises(ConditionFailed) as failed:
        store.put(stores.table("Counters"), item, condition="attribute_not_exists(#w)", names={"#w": "window"})
    assert failed.value.item == item


@pytest.mark.parametrize("fault", [*AFTER, *BEFORE])
def test_a_read_is_answered_all_the_same(fault: Fault, proxy: Proxy, store: DynamoDB, stores: Stores) -> None:
    table = stores.table("Counters")
    stores.dynamodb.put(table, {"counter": "c", "window": "w", "n": 1})
    proxy.faults.extend([fault, fault])
    assert (store.get(table, {"counter": "c", "window": "w"}) or {})["n"] == 1
    assert len(proxy.asked) == 3


def test_one_connection_serves_many_calls_and_its_end_is_not_felt(
    proxy: Proxy, store: DynamoDB, stores: Stores
) -> None:
    """A process that was frozen finds its kept connection closed."""
    add = replace(ADD, table=stores.table("Counters"))
    for _ in range(3):
        store.transact([add])
    assert proxy.connections == 1
    for _ in range(5):
        proxy.faults.append("idle")
        store.transact([add])
        store.transact([add])
    assert (stores.dynamodb.get(add.table, add.item) or {})["n"] == 13


def test_a_service_that_hangs_is_given_up(
    proxy: Proxy, store: DynamoDB, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dynamodb, "ATTEMPT_LIMIT_MS", 150)
    monkeypatch.setattr(dynamodb, "RETRY_UNTIL_MS", 200)
    proxy.faults.extend(["hung"] * 4)
    with pytest.raises(StoreUnavailable, match="ReadTimeout"):
        store.get(stores.table("Counters"), {"counter": "c", "window": "w"})
    assert len(proxy.asked) <= 2 < dynamodb.ATTEMPTS


def test_threads_may_share_it(proxy: Proxy, store: DynamoDB, stores: Stores) -> None:
    add = replace(ADD, table=stores.table("Counters"))
    proxy.faults.extend(["dropped", "failed", "idle", "cut", "throttled"] * 3)
    threads = [threading.Thread(target=lambda: store.transact([add])) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (stores.dynamodb.get(add.table, add.item) or {})["n"] == 20
