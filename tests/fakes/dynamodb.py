"""DynamoDB in memory, behind the product's own client: requests are read and answers written as they travel.

Faults can be had at every call: ``lost`` ones never arrive, ``unanswered`` ones work and nobody hears of it.
tests/functional runs what uses it against a real one too.
"""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal

import httpx

from signalbox.transport.dynamodb import DynamoDB, from_wire
from signalbox.transport.exchange import Answer
from tests.fakes.expressions import Expressions, NotUnderstood, Wire

Fault = Literal["lost", "unanswered"]
Key = tuple[str, ...]


class InMemoryDynamoDB(DynamoDB):
    """``tables``: each name with its key attributes. ``indexes``: those of (table, index).

    ``faults`` is asked before every attempt of every call.
    """

    def __init__(
        self,
        tables: Mapping[str, tuple[str, ...]],
        indexes: Mapping[tuple[str, str], tuple[str, ...]] | None = None,
        faults: Callable[[], Fault | None] = lambda: None,
    ) -> None:
        super().__init__("eu-central-1", "http://dynamodb.invalid", sleep_s=lambda _: None)
        extra = {"keys_of": tables, "indexes": indexes or {}, "faults": faults, "calls": [], "lock": threading.Lock()}
        extra["stored"] = {table: {} for table in tables}
        self.__dict__.update(extra)  # the base is frozen

    keys_of: Mapping[str, tuple[str, ...]]
    indexes: Mapping[tuple[str, str], tuple[str, ...]]
    faults: Callable[[], Fault | None]
    calls: list[str]  # the operations, one an attempt
    stored: dict[str, dict[Key, dict[str, Wire]]]

    def items(self, table: str) -> list[dict[str, Any]]:
        """All of a table, in the order of its keys."""
        return [from_wire(item) for _, item in sorted(self.stored[table].items())]

    def _post(self, operation: str, body: bytes) -> Answer:
        fault = self.faults()
        if fault == "lost":
            raise httpx.ConnectError("lost")
        lock: threading.Lock = self.__dict__["lock"]
        with lock:
            self.calls.append(operation)
            try:
                found = getattr(self, f"_{operation}")(json.loads(body))
                answer = Answer(200, httpx.Headers(), json.dumps(found).encode(), 0)
            except _Refused as refused:
                answer = Answer(400, httpx.Headers(), json.dumps(refused.told).encode(), 0)
        if fault == "unanswered":
            raise httpx.ReadError("unanswered")
        return answer

    def _GetItem(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - operations have AWS's names
        found = self.stored[asked["TableName"]].get(self._key(asked["TableName"], asked["Key"]))
        return {"Item": found} if found else {}

    def _BatchGetItem(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        responses = {}
        for table, wanted in asked["RequestItems"].items():
            keys = [self._key(table, key) for key in wanted["Keys"]]
            if len(set(keys)) != len(keys):
                raise _Refused("ValidationException", "Provided list of item keys contains duplicates")
            responses[table] = [item for key in keys if (item := self.stored[table].get(key))]
        return {"Responses": responses, "UnprocessedKeys": {}}

    def _PutItem(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._write("Put", asked)()
        return {}

    def _UpdateItem(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        table, key = asked["TableName"], self._key(asked["TableName"], asked["Key"])
        before = self.stored[table].get(key, {})
        self._write("Update", asked)()
        returned = {"ALL_OLD": before, "ALL_NEW": self.stored[table][key]}
        return {"Attributes": returned.get(asked.get("ReturnValues", "NONE"), {})}

    def _DeleteItem(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._write("Delete", asked)()
        return {}

    def _TransactWriteItems(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        prepared: list[Callable[[], None]] = []
        reasons: list[dict[str, Any]] = []
        touched: list[tuple[str, Key]] = []
        for one in asked["TransactItems"]:
            ((kind, write),) = one.items()
            touched.append((write["TableName"], self._key(write["TableName"], write.get("Key") or write["Item"])))
            try:
                prepared.append(self._write(kind, write))
                reasons.append({"Code": "None"})
            except _Refused as refused:
                reasons.append({"Code": "ConditionalCheckFailed", "Item": refused.told.get("Item")})
        if len(set(touched)) != len(touched):
            raise _Refused("ValidationException", "Transaction request cannot include multiple operations on one item")
        if any(reason["Code"] != "None" for reason in reasons):
            raise _Refused("TransactionCanceledException", "cancelled", CancellationReasons=reasons)
        for write_now in prepared:
            write_now()
        return {}

    def _Query(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        table, index = asked["TableName"], asked.get("IndexName")
        keys = self.indexes[table, index] if index else self.keys_of[table]
        expressions, condition = Expressions(asked), asked["KeyConditionExpression"]
        there = [item for item in self.stored[table].values() if all(key in item for key in keys)]
        found = [item for item in there if expressions.holds(condition, item)]
        found.sort(key=lambda item: tuple(from_wire(item)[key] for key in keys), reverse=not asked["ScanIndexForward"])
        return {"Items": found[: asked.get("Limit")]}

    def _write(self, kind: str, asked: dict[str, Any]) -> Callable[[], None]:
        """What makes the write, its condition checked. Raises ``_Refused``."""
        table, expressions = asked["TableName"], Expressions(asked)
        key = self._key(table, asked.get("Key") or asked["Item"])
        items = self.stored[table]
        held = items.get(key)
        if not expressions.holds(asked.get("ConditionExpression"), held):
            told = {"Item": held} if held else {}
            raise _Refused("ConditionalCheckFailedException", "The conditional request failed", **told)
        match kind:
            case "Put":
                return lambda: items.update({key: asked["Item"]})
            case "Update":
                after = expressions.updated(asked["UpdateExpression"], held or asked["Key"])
                return lambda: items.update({key: after})
            case "Delete":
                return lambda: _forget(items, key)
            case "ConditionCheck":
                return lambda: None
        raise NotUnderstood(kind)

    def _key(self, table: str, item: Mapping[str, Wire]) -> Key:
        return tuple(next(iter(item[name].values())) for name in self.keys_of[table])


class _Refused(Exception):
    def __init__(self, code: str, message: str, **more: Any) -> None:
        super().__init__(code)
        self.told = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message, **more}


def _forget(items: dict[Key, dict[str, Wire]], key: Key) -> None:
    items.pop(key, None)
