"""DynamoDB by signed POSTs of its JSON protocol: plain Python values in, plain values out.

botocore's client would be half of the router's cold start. Every call is made again after a throttle, an
outage or a lost connection, so a write must be safe to make twice: conditional, or one that sets.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html
"""

import base64
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any, Literal

import httpx

from signalbox.transport.aws import NoAwsKeys, ambient_keys
from signalbox.transport.exchange import Answer, BrokenOff, TooLarge, post, shared_client
from signalbox.transport.sigv4 import Keys, signed
from signalbox.transport.within import OutOfTime

Value = str | int | float | Decimal | bool | bytes | None | Sequence[Any] | Mapping[str, Any]
Item = Mapping[str, Value]

CONNECT_LIMIT_MS = 1_000
CALL_LIMIT_MS = 3_000
ATTEMPTS = 4
FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 20, 400
# A transaction that meets others on an item is made again until it has paused for so long in all: then 200 at
# once on one counter, each 10 ms on it, all get through within 5 s.
CONFLICT_PATIENCE_MS = 6_000
_CONFLICT = "TransactionConflict"
MOST_GETS = 100  # in one BatchGetItem
MOST_WRITES = 100  # in one TransactWriteItems
_PASSING = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "InternalServerError",
    "TransactionInProgressException",
    "TransactionConflictException",  # a single write met a transaction on its item
}
_LOST = (httpx.TransportError, BrokenOff, OutOfTime)


class StoreUnavailable(Exception):
    """DynamoDB could not be asked, or did not do it. The message has its code and never what was sent."""


class ConditionFailed(Exception):
    """A conditional write was refused. ``item`` is what was there instead, None for nothing."""

    def __init__(self, item: dict[str, Any] | None) -> None:
        super().__init__("the condition does not hold")
        self.item = item


class TransactionRefused(Exception):
    """No write of the transaction was made. ``items`` has, for each write whose condition failed, its index and
    what was there instead."""

    def __init__(self, items: Mapping[int, dict[str, Any] | None]) -> None:
        super().__init__("a condition of the transaction does not hold")
        self.items = items


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
    """The service at ``url`` in ``region``. Every method raises ``StoreUnavailable``."""

    region: str
    url: str
    keys: Callable[[], Keys] = ambient_keys
    client: Callable[[], httpx.Client] = shared_client
    sleep_s: Callable[[float], None] = time.sleep

    def get(self, table: str, key: Item, *, consistent: bool = True) -> dict[str, Any] | None:
        found = self._call("GetItem", {"TableName": table, "Key": to_wire(key), "ConsistentRead": consistent})
        return from_wire(found["Item"]) if "Item" in found else None

    def batch_get(self, table: str, keys: Sequence[Item], *, consistent: bool = False) -> list[dict[str, Any]]:
        """The items there are, in no order; at most ``MOST_GETS`` keys, all different."""
        items: list[dict[str, Any]] = []
        wanted: Any = {table: {"Keys": [to_wire(key) for key in keys], "ConsistentRead": consistent}} if keys else {}
        for attempt in range(ATTEMPTS):
            if not wanted:
                return items
            if attempt:
                self._pause(attempt)
            found = self._call("BatchGetItem", {"RequestItems": wanted})
            items += map(from_wire, found["Responses"].get(table, []))
            wanted = found.get("UnprocessedKeys")
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
        """The item after (or before) the update where ``returned`` asks for it. Raises ``ConditionFailed``."""
        asked = {"TableName": table, "Key": to_wire(key), "UpdateExpression": expression, "ReturnValues": returned}
        found = self._call("UpdateItem", {**asked, **_conditional(condition, **given)})
        return from_wire(found.get("Attributes") or {})

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
        left = limit
        while left is None or left > 0:
            page = self._call("Query", {**asked, **({"Limit": left} if left is not None else {})})
            yield from map(from_wire, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]
            left = None if left is None else left - len(page["Items"])

    def transact(self, writes: Sequence[Write]) -> None:
        """All of ``writes`` or none. Raises ``TransactionRefused``.

        One that only met another transaction on the same items is made again.
        """
        body = {"TransactItems": [{write.kind: _transacted(write)} for write in writes]}
        self._call("TransactWriteItems", body)

    def _call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The service's answer; tried again with full jitter where that may help."""
        body = json.dumps(arguments, ensure_ascii=False, separators=(",", ":")).encode()
        paused_ms = 0.0
        for attempt in count(1):
            try:
                answer = self._post(operation, body)
            except NoAwsKeys as error:
                raise StoreUnavailable(f"{operation}: {error}") from None
            except (TooLarge, httpx.InvalidURL, *_LOST) as error:
                code: str = type(error).__name__
                passing = isinstance(error, _LOST)
            else:
                if answer.status == 200:
                    found: dict[str, Any] = json.loads(answer.body)
                    return found
                code, passing = _refused(answer)
            patient = code == _CONFLICT and paused_ms < CONFLICT_PATIENCE_MS
            if not passing or (attempt >= ATTEMPTS and not patient):
                break
            paused_ms += self._pause(attempt)
        # The cause is cut off: AWS's own message may quote the request.
        raise StoreUnavailable(f"{operation} failed: {code}")

    def _post(self, operation: str, body: bytes) -> Answer:
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"DynamoDB_20120810.{operation}"}
        url, now = self.url.rstrip("/") + "/", datetime.now(UTC)
        proven = signed(url, headers, body, service="dynamodb", region=self.region, keys=self.keys(), now=now)
        ends_at = time.monotonic() + CALL_LIMIT_MS / 1_000
        return post(self.client(), url, proven, body, ends_at, CONNECT_LIMIT_MS)

    def _pause(self, attempt: int) -> float:
        """Sleeps; for how many milliseconds."""
        pause_ms = random.random() * min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS << attempt)  # noqa: S311 - nothing to guess
        self.sleep_s(pause_ms / 1_000)
        return pause_ms


def _refused(answer: Answer) -> tuple[str, bool]:
    """The error's code, and whether to try again. Raises ``ConditionFailed`` and ``TransactionRefused``."""
    try:
        told = json.loads(answer.body)
        code = str(told["__type"]).rpartition("#")[2]
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status}", answer.status >= 500
    if code == "ConditionalCheckFailedException":
        raise ConditionFailed(from_wire(told["Item"]) if told.get("Item") else None)
    if code == "TransactionCanceledException":
        reasons = told.get("CancellationReasons") or []
        failed = {
            index: from_wire(reason["Item"]) if reason.get("Item") else None
            for index, reason in enumerate(reasons)
            if reason.get("Code") == "ConditionalCheckFailed"
        }
        if failed:
            raise TransactionRefused(failed)
        codes = {str(reason.get("Code")) for reason in reasons} - {"None"}
        return ", ".join(sorted(codes)) or code, codes <= {_CONFLICT, "ThrottlingError"}
    return code, code in _PASSING or answer.status >= 500


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


def to_wire(item: Item) -> dict[str, Any]:
    """``item`` as DynamoDB spells it, every value under its type."""
    return {name: _typed(value) for name, value in item.items()}


def from_wire(item: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values again; numbers as int where they are whole, else as float."""
    return {name: _plain(value) for name, value in item.items()}


def _typed(value: Value) -> dict[str, Any]:
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | float() | Decimal():
            return {"N": str(value)}
        case bytes():
            return {"B": base64.b64encode(value).decode()}
        case Mapping():
            return {"M": to_wire(value)}
        case Sequence():
            return {"L": [_typed(one) for one in value]}
    raise TypeError(f"DynamoDB has no {type(value).__name__}")


def _plain(value: Mapping[str, Any]) -> Any:
    ((kind, held),) = value.items()
    match kind:
        case "S" | "BOOL":
            return held
        case "N":
            number = Decimal(held)
            return int(number) if number == number.to_integral_value() else float(number)
        case "B":
            return base64.b64decode(held)
        case "NULL":
            return None
        case "M":
            return from_wire(held)
        case "L":
            return [_plain(one) for one in held]
    raise TypeError(f"no {kind} is stored here")
