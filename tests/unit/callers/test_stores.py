"""One contract for every key store, the fake included."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.callers.dynamodb import DynamoKeyStore, _item, _record
from signalbox.callers.keys import CallerKey, KeyStore, KeyStoreUnavailable, hash_key, issue_key
from signalbox.transport.dynamodb import DynamoDB, from_wire, to_wire
from tests.fakes.dynamodb import Fault, InMemoryDynamoDB
from tests.unit.callers.conftest import TABLE
from tests.unit.callers.memory import MemoryKeyStore


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> KeyStore:
    if request.param == "memory":
        return MemoryKeyStore()
    return DynamoKeyStore(request.getfixturevalue("dynamodb"), TABLE)


def test_what_was_put_is_got_back(store: KeyStore) -> None:
    plain, record = issue_key(store, "acme", "premium", expires_at=2_000_000_000)
    assert store.get(hash_key(plain)) == record


def test_a_key_that_never_expires_comes_back_as_such(store: KeyStore) -> None:
    plain, record = issue_key(store, "acme")
    assert record.expires_at is None
    assert store.get(hash_key(plain)) == record


def test_an_unknown_hash_is_none(store: KeyStore) -> None:
    issue_key(store, "acme")
    assert store.get(hash_key("sb_other")) is None


def test_a_taken_hash_is_refused_and_changes_nothing(store: KeyStore) -> None:
    _, record = issue_key(store, "acme")
    with pytest.raises(ValueError, match="already stored"):
        store.put(replace(record, caller="mallory"))
    assert store.get(record.key_hash) == record


def test_lists_oldest_first(store: KeyStore) -> None:
    records = [replace(issue_key(MemoryKeyStore(), "acme")[1], created_at=at) for at in (3, 1, 2)]
    for record in records:
        store.put(record)
    assert [record.created_at for record in store.list()] == [1, 2, 3]


def test_revoking_changes_one_key_and_only_its_state(store: KeyStore) -> None:
    (_, kept), (_, dropped) = issue_key(store, "acme"), issue_key(store, "acme")
    assert store.revoke(dropped.key_id) == replace(dropped, state="revoked")
    assert store.get(dropped.key_hash) == replace(dropped, state="revoked")
    assert store.get(kept.key_hash) == kept
    assert store.revoke(dropped.key_id) == replace(dropped, state="revoked")  # again, the same


def test_revoking_a_key_that_is_not_there_is_none(store: KeyStore) -> None:
    assert store.revoke("nosuchkey1") is None


class OneAPage(DynamoDB):
    def _call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return super()._call(operation, {**arguments, "Limit": 1} if operation == "Scan" else arguments)


def test_lists_across_pages(dynamodb: DynamoDB) -> None:
    store = DynamoKeyStore(OneAPage(**vars(dynamodb)), TABLE)
    for _ in range(3):
        issue_key(store, "acme" * 20)
    assert len(store.list()) == 3


def test_a_key_whose_answer_was_lost_is_stored_and_taken() -> None:
    faults: list[Fault | None] = ["unanswered"]
    store = DynamoKeyStore(
        InMemoryDynamoDB({TABLE: ("key_hash",)}, faults=lambda: faults.pop() if faults else None), TABLE
    )
    _, record = issue_key(store, "acme")
    assert store.get(record.key_hash) == record
    with pytest.raises(ValueError, match="already stored"):
        store.put(replace(record, tier="premium"))


def test_a_failing_table_is_a_clear_error_without_the_request(dynamodb: DynamoDB) -> None:
    store = DynamoKeyStore(dynamodb, "no-such-table")
    plain, _ = issue_key(MemoryKeyStore(), "acme")
    calls: list[Callable[[], object]] = [lambda: store.get(hash_key(plain)), store.list]
    for call in calls:
        with pytest.raises(KeyStoreUnavailable, match="ResourceNotFoundException") as caught:
            call()
        assert hash_key(plain) not in str(caught.value)
        assert caught.value.__cause__ is None


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(
    record=st.builds(
        CallerKey,
        key_hash=names,
        key_id=names,
        caller=names,
        tier=names,
        state=st.sampled_from(["active", "revoked"]),
        created_at=st.integers(0, 2**40),
        usage_key=names,
        expires_at=st.none() | st.integers(0, 2**40),
    )
)
def test_a_record_survives_the_way_into_an_item_and_back(record: CallerKey) -> None:
    assert _record(from_wire(to_wire(_item(record)))) == record
