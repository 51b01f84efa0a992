"""The key store in DynamoDB: one item per key, under its hash."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from signalbox.callers.keys import CallerKey, KeyState, KeyStoreUnavailable

NUMBERS = ("created_at", "expires_at")


class DynamoKeyStore:
    """``KeyStore`` over a table with the string partition key ``key_hash``.

    ``client`` makes the low-level DynamoDB client when it is first needed.
    """

    def __init__(self, client: Callable[[], Any], table: str) -> None:
        self._make_client = client
        self._client: Any = None
        self._table = table

    def get(self, key_hash: str) -> CallerKey | None:
        """See ``KeyLookup``. Read consistently: a revoked key must not outlive the cache in front."""
        reply = self._call("get_item", Key={"key_hash": {"S": key_hash}}, ConsistentRead=True)
        return _record(reply["Item"]) if "Item" in reply else None

    def put(self, record: CallerKey) -> None:
        """See ``KeyStore``."""
        try:
            self._call("put_item", Item=_item(record), ConditionExpression="attribute_not_exists(key_hash)")
        except _ConditionFailed:
            raise ValueError("a key with this hash is already stored") from None

    def list(self) -> tuple[CallerKey, ...]:
        """See ``KeyStore``. Scans: there are as many items as there are keys, and only people ask."""
        records: list[CallerKey] = []
        start: dict[str, Any] = {}
        while True:
            page = self._call("scan", ConsistentRead=True, **start)
            records += map(_record, page["Items"])
            if "LastEvaluatedKey" not in page:
                return tuple(sorted(records, key=lambda record: (record.created_at, record.key_id)))
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def revoke(self, key_id: str) -> CallerKey | None:
        """See ``KeyStore``."""
        found = next((record for record in self.list() if record.key_id == key_id), None)
        if found is None:
            return None
        try:
            self._call(
                "update_item",
                Key={"key_hash": {"S": found.key_hash}},
                UpdateExpression="SET #state = :revoked",
                ConditionExpression="attribute_exists(key_hash)",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={":revoked": {"S": "revoked"}},
            )
        except _ConditionFailed:
            return None  # someone deleted the item meanwhile
        return replace(found, state="revoked")

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        if self._client is None:
            self._client = self._make_client()
        try:
            return cast(dict[str, Any], getattr(self._client, operation)(TableName=self._table, **arguments))
        except (ClientError, BotoCoreError) as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
            if code == "ConditionalCheckFailedException":
                raise _ConditionFailed from None
            # The cause is cut off: AWS's own message may quote the request.
            raise KeyStoreUnavailable(f"{operation} on the table of callers failed: {code}") from None


class _ConditionFailed(Exception):
    """DynamoDB refused a conditional write."""


def _item(record: CallerKey) -> dict[str, dict[str, str]]:
    return {
        name: {"N" if name in NUMBERS else "S": str(value)}
        for name, value in asdict(record).items()
        if value is not None
    }


def _record(item: Mapping[str, Mapping[str, str]]) -> CallerKey:
    return CallerKey(
        key_hash=item["key_hash"]["S"],
        key_id=item["key_id"]["S"],
        caller=item["caller"]["S"],
        tier=item["tier"]["S"],
        state=cast(KeyState, item["state"]["S"]),
        created_at=int(item["created_at"]["N"]),
        usage_key=item["usage_key"]["S"],
        expires_at=int(item["expires_at"]["N"]) if "expires_at" in item else None,
    )
