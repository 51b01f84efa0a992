"""The key store on a real DynamoDB: many keys, more than one page of them."""

from dataclasses import replace

import pytest

from signalbox.callers.dynamodb import DynamoKeyStore
from signalbox.callers.keys import KeyStoreUnavailable, hash_key, issue_key
from tests.functional.stores import Stores


def test_keys_are_put_got_listed_and_revoked(stores: Stores) -> None:
    store = DynamoKeyStore(stores.dynamodb, stores.table("Callers"))
    issued = [issue_key(store, f"caller{number}", expires_at=number or None) for number in range(5)]
    for plain, record in issued:
        assert store.get(hash_key(plain)) == record
    assert set(store.list()) == {record for _, record in issued}
    revoked = replace(issued[1][1], state="revoked")
    assert [store.revoke(revoked.key_id), store.revoke(revoked.key_id)] == [revoked, revoked]
    assert store.get(revoked.key_hash) == revoked
    assert store.revoke("nosuchkey1") is None
    with pytest.raises(ValueError, match="already stored"):
        store.put(replace(revoked, state="active"))


def test_a_table_that_is_not_there_lets_nobody_in(stores: Stores) -> None:
    with pytest.raises(KeyStoreUnavailable, match="the table of callers: GetItem failed: ResourceNotFoundException"):
        DynamoKeyStore(stores.dynamodb, "nowhere").get("x")
