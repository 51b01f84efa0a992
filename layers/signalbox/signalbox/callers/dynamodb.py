"""The key store in DynamoDB: one item per key, under its hash."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

from signalbox.callers.keys import CallerKey, KeyStoreUnavailable
from signalbox.transport.dynamodb import ConditionFailed, DynamoDB, StoreUnavailable


class DynamoKeyStore:
    """``KeyStore`` over a table with the string partition key ``key_hash``."""

    def __init__(self, dynamodb: DynamoDB, table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def get(self, key_hash: str) -> CallerKey | None:
        """See ``KeyLookup``. Read consistently: a revoked key must not outlive the cache in front."""
        with _told():
            item = self._dynamodb.get(self._table, {"key_hash": key_hash})
        return _record(item) if item else None

    def put(self, record: CallerKey) -> None:
        """See ``KeyStore``."""
        item = _item(record)
        try:
            with _told():
                self._dynamodb.put(self._table, item, condition="attribute_not_exists(key_hash)")
        except ConditionFailed as failed:
            if failed.item != item:  # else it was stored, and the answer was lost
                raise ValueError("a key with this hash is already stored") from None

    def list(self) -> tuple[CallerKey, ...]:
        """See ``KeyStore``. Scans: there are as many items as there are keys, and only people ask."""
        with _told():
            records = [_record(item) for item in self._dynamodb.scan(self._table, consistent=True)]
        return tuple(sorted(records, key=lambda record: (record.created_at, record.key_id)))

    def revoke(self, key_id: str) -> CallerKey | None:
        """See ``KeyStore``."""
        found = next((record for record in self.list() if record.key_id == key_id), None)
        if found is None:
            return None
        try:
            with _told():
                self._dynamodb.update(
                    self._table,
                    {"key_hash": found.key_hash},
                    "SET #state = :revoked",
                    condition="attribute_exists(key_hash)",
                    names={"#state": "state"},
                    values={":revoked": "revoked"},
                )
        except ConditionFailed:
            return None  # someone deleted the item meanwhile
        return replace(found, state="revoked")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except StoreUnavailable as error:
        raise KeyStoreUnavailable(f"the table of callers: {error}") from None


def _item(record: CallerKey) -> dict[str, str | int]:
    return {name: value for name, value in asdict(record).items() if value is not None}


def _record(item: Mapping[str, Any]) -> CallerKey:
    return CallerKey(
        key_hash=item["key_hash"],
        key_id=item["key_id"],
        caller=item["caller"],
        tier=item["tier"],
        state=item["state"],
        created_at=item["created_at"],
        usage_key=item["usage_key"],
        expires_at=item.get("expires_at"),
    )
