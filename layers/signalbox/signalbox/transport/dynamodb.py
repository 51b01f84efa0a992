"""DynamoDB by signed POSTs of its JSON protocol: plain Python values in, plain values out.

botocore's client would be half of the router's cold start. Every call is made again after a throttle, an
outage or a lost answer, so a write must be safe to make twice: conditional, or one that sets.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html
"""

import json
import random
import secrets
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from signalbox.transport.attributes import Item, Value, from_wire, to_wire
from signalbox.transport.aws import NoAwsKeys, ambient_keys
from signalbox.transport.ends import no_later
from signalbox.transport.exchange import Answer, BrokenOff, TooLarge, shared_client
from signalbox.transport.json_call import JsonService, json_object
from signalbox.transport.refusals import (
    ConditionFailed,
    Conflicted,
    Passing,
    StillAtIt,
    StoreUnavailable,
    TransactionRefused,
    read,
    read_all,
    refusal,
)
from signalbox.transport.sigv4 import Keys
from signalbox.transport.within import OutOfTime

__all__ = [
    "MOST_GETS",
    "MOST_WRITES",
    "ConditionFailed",
    "DynamoDB",
    "Item",
    "StoreUnavailable",
    "TransactionRefused",
    "Value",
    "Write",
    "from_wire",
    "to_wire",
]

# A call ends within the two together, whatever happens: no attempt begins after RETRY_UNTIL_MS.
ATTEMPT_LIMIT_MS = 3_000
RETRY_UNTIL_MS = 4_000
ATTEMPTS = 4
FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 20, 400
# A transaction that meets others on an item is made again until it has paused for so long in all: then 200 at
# once on one counter, each 10 ms on it, all get through within 5 s. The limit is on the answers' time as well.
CONFLICT_PATIENCE_MS = 6_000
CONFLICT_LIMIT_MS = 12_000
MOST_GETS = 100  # in one BatchGetItem
MOST_WRITES = 100  # in one TransactWriteItems
_SERVICE = JsonService("dynamodb", "DynamoDB_20120810", "1.0", connect_limit_ms=1_000)
_LOST = (httpx.TransportError, BrokenOff, OutOfTime)


@dataclass(frozen=True)
class Write:
    """One write of a transaction. ``names`` and ``values`` are what ``#name`` and ``:value`` stand for."""

    kind: Literal["Put", "Update", "Delete", "ConditionCheck"]
    table: str
    item: Item = field(default_factory=dict)  # Put: the item; else its key
    update: str | None = None
    condition: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    values: Item = field(default_factory=dict)


@dataclass(frozen=True)
class DynamoDB:
    """The service at ``url`` in ``region``. Every method raises ``StoreUnavailable``, and ``TypeError`` or
    ``ValueError`` for a value that DynamoDB cannot hold."""

    region: str
    url: str
    keys: Callable[[], Keys] = ambient_keys
    client: Callable[[], httpx.Client] = shared_client
    sleep_s: Callable[[float], None] = time.sleep

    def get(self, table: str, key: Item, *, consistent: bool = True) -> dict[str, Any] | None:
        found = self._call("GetItem", {"TableName": table, "Key": to_wire(key), "ConsistentRead": consistent})
        return read(found.get("Item"))

    def batch_get(self, table: str, keys: Sequence[Item], *, consistent: bool = False) -> list[dict[str, Any]]:
        """The items there are, in no order; at most ``MOST_GETS`` keys, all different."""
        items: list[dict[str, Any]] = []
        wanted: Any = {table: {"Keys": [to_wire(key) for key in keys], "ConsistentRead": consistent}} if keys else {}
        idle = 0  # rounds in a row that brought nothing
        while wanted and idle < ATTEMPTS:
            found = self._call("BatchGetItem", {"RequestItems": wanted})
            brought = read_all(found.get("Responses", {}).get(table))
            items += brought
            wanted = found.get("UnprocessedKeys")
            idle = 0 if brought else idle + 1
            if wanted:
                self._pause(idle)
        if wanted:
            raise StoreUnavailable("BatchGetItem left keys unread")
        return items

    def put(self, table: str, item: Item, *, condition: str | None = None, **given: Mapping[str, Any]) -> None:
        """``given``: ``names`` and ``values`` of ``condition``. Raises ``ConditionFailed``."""
        self._call("PutItem", {"TableName": table, "Item": to_wire(item), **_conditional(condition, **given)})

    def update(
        self,
        table: str,
        key: Item,
        expression: str,
        *,
        condition: str | None = None,
        returned: Literal["NONE", "ALL_NEW", "ALL_OLD"] = "NONE",
        **given: Mapping[str, Any],
    ) -> dict[str, Any]:
        """The item after (or before) the update where ``returned`` asks for it. Raises ``ConditionFailed``.

        After a lost answer it is made twice, and the item before is the one before the second.
        """
        asked = {"TableName": table, "Key": to_wire(key), "UpdateExpression": expression, "ReturnValues": returned}
        found = self._call("UpdateItem", {**asked, **_conditional(condition, **given)})
        return read(found.get("Attributes")) or {}

    def delete(self, table: str, key: Item, *, condition: str | None = None, **given: Mapping[str, Any]) -> None:
        """Raises ``ConditionFailed``."""
        self._call("DeleteItem", {"TableName": table, "Key": to_wire(key), **_conditional(condition, **given)})

    def query(
        self,
        table: str,
        condition: str,
        values: Item,
        *,
        names: Mapping[str, str] | None = None,
        index: str | None = None,
        limit: int | None = None,
        projection: str | None = None,
        forward: bool = True,
        consistent: bool = False,
    ) -> Iterator[dict[str, Any]]:
        """Every item that the key ``condition`` finds, at most ``limit``, page by page as they are asked for."""
        asked: dict[str, Any] = {
            "TableName": table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": to_wire(values),
            "ScanIndexForward": forward,
            "ConsistentRead": consistent,
            **({"ExpressionAttributeNames": dict(names)} if names else {}),
            **({"IndexName": index} if index else {}),
            **({"ProjectionExpression": projection} if projection else {}),
        }
        return self._paged("Query", asked, limit)

    def scan(self, table: str, *, consistent: bool = False) -> Iterator[dict[str, Any]]:
        """Every item of ``table``, in no order, page by page as they are asked for."""
        return self._paged("Scan", {"TableName": table, "ConsistentRead": consistent})

    def transact(self, writes: Sequence[Write]) -> None:
        """All of ``writes`` or none. Raises ``TransactionRefused``.

        One that only met another transaction on the same items is made again.
        """
        items = [{write.kind: _transacted(write)} for write in writes]
        ends_at, paused_ms, attempt = no_later(time.monotonic() + CONFLICT_LIMIT_MS / 1_000), 0.0, 0
        while True:
            # One token until there is an answer, so that a lost one is not carried out twice; then another.
            asked = {"TransactItems": items, "ClientRequestToken": secrets.token_hex(16)}
            try:
                self._call("TransactWriteItems", asked)
            except Conflicted as conflicted:
                if paused_ms >= CONFLICT_PATIENCE_MS or time.monotonic() >= ends_at:
                    raise StoreUnavailable(str(conflicted)) from None
            else:
                return
            attempt += 1
            paused_ms += self._pause(attempt)

    def _paged(self, operation: str, asked: dict[str, Any], limit: int | None = None) -> Iterator[dict[str, Any]]:
        left = limit
        while left is None or left > 0:
            page = self._call(operation, {**asked, **({"Limit": left} if left is not None else {})})
            items = read_all(page.get("Items"))
            yield from items
            if not page.get("LastEvaluatedKey"):
                return
            asked = {**asked, "ExclusiveStartKey": page["LastEvaluatedKey"]}
            left = None if left is None else left - len(items)

    def _call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The service's answer; asked again with full jitter where that may help."""
        body = json.dumps(arguments, ensure_ascii=False, separators=(",", ":")).encode()
        ends_at, attempt = no_later(time.monotonic() + RETRY_UNTIL_MS / 1_000), 0
        while True:
            attempt += 1
            try:
                return self._answer(operation, body)
            except Passing as passing:
                enough = attempt >= ATTEMPTS and not isinstance(passing, StillAtIt)
                if enough or time.monotonic() >= ends_at:
                    raise StoreUnavailable(str(passing)) from None
            self._pause(attempt)

    def _answer(self, operation: str, body: bytes) -> dict[str, Any]:
        """One attempt. The causes are cut off: AWS's own messages may quote the request."""
        try:
            answer = self._post(operation, body)
        except NoAwsKeys as error:
            raise StoreUnavailable(f"{operation}: {error}") from None
        except _LOST as error:
            raise Passing(f"{operation} failed: {type(error).__name__}") from None
        except (TooLarge, httpx.InvalidURL, httpx.HTTPError) as error:
            raise StoreUnavailable(f"{operation} failed: {type(error).__name__}") from None
        found = json_object(answer.body)
        if not _is_whole(answer) or (found is None and answer.status == 200):
            raise Passing(f"{operation} failed: the answer is garbled")
        if answer.status != 200:
            raise refusal(operation, answer, found or {})
        return found or {}

    def _post(self, operation: str, body: bytes) -> Answer:
        return _SERVICE.call(
            operation,
            body,
            url=self.url,
            region=self.region,
            keys=self.keys(),
            client=self.client(),
            ends_at=no_later(time.monotonic() + ATTEMPT_LIMIT_MS / 1_000),
        )

    def _pause(self, attempt: int) -> float:
        """Sleeps; for how many milliseconds."""
        pause_ms = random.random() * min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS << attempt)  # noqa: S311 - nothing to guess
        self.sleep_s(pause_ms / 1_000)
        return pause_ms


def _is_whole(answer: Answer) -> bool:
    """Whether the checksum is that of the body, where there is one."""
    told = answer.headers.get("x-amz-crc32")
    return told is None or "content-encoding" in answer.headers or told == str(zlib.crc32(answer.body))


def _transacted(write: Write) -> dict[str, Any]:
    named = {"Item" if write.kind == "Put" else "Key": to_wire(write.item)}
    update = {"UpdateExpression": write.update} if write.update else {}
    return {"TableName": write.table, **named, **update, **_conditional(write.condition, write.names, write.values)}


def _conditional(
    condition: str | None, names: Mapping[str, str] | None = None, values: Item | None = None
) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    if condition:
        asked |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    if names:
        asked["ExpressionAttributeNames"] = dict(names)
    if values:
        asked["ExpressionAttributeValues"] = to_wire(values)
    return asked
