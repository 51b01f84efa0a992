"""``Replies`` over DynamoDB, long values in S3."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from signalbox.contracts.plans import Conclusion, Job, Progress, ReplyHead, StepResult
from signalbox.conversations.bodies import Bodies
from signalbox.execution.ports import Clock
from signalbox.replies.items import (
    BEGUN,
    BODY,
    CONCLUSION,
    HEAD,
    JOB,
    RESULT,
    Erased,
    Kept,
    Packed,
    Place,
    packed,
    result_item,
    unpacked,
)
from signalbox.transport.dynamodb import ConditionFailed, DynamoDB, Item, StoreUnavailable, TransactionRefused, Write

_NAMES = {"#reply": "reply"}
_ABSENT = "attribute_not_exists(#reply)"
# What a transaction's refusal tells apart: the look at the head, and the item that was to be put.
_HEADS, _ITEMS = 0, 1


@dataclass(frozen=True)
class DynamoReplies:
    """``keep_s``: a reply reads as absent that long after its job was put.

    Whatever comes after the job is written in one transaction with a look at the head: nothing joins a reply that
    was erased, or has expired. Then no step can be begun, and what one came to is not kept.
    """

    dynamodb: DynamoDB
    table: str
    bodies: Bodies
    keep_s: int
    clock: Clock

    def put(self, job: Job, head: ReplyHead) -> None:
        """The job first: a head implies a job."""
        place = Place(head.caller, head.request_id)
        self._put_first(place, JOB, packed(job))
        self._put_first(place, HEAD, packed(head), alive=True, recorded=0)

    def progress(self, caller: str, request_id: str) -> Progress | None:
        place = Place(caller, request_id)
        items = {item["item"]: item for item in self._all(place)}
        if not self._is_alive(items.get(HEAD)) or JOB not in items:
            return None  # page by page, an erasure may come in between
        results = [item for name, item in items.items() if name.startswith(RESULT)]
        recorded = sorted(results, key=lambda item: (item["number"], item["item"]))
        try:
            return Progress(
                job=self._value(place, items[JOB], Job),
                results=tuple(self._value(place, item, StepResult) for item in recorded),
                begun=tuple(sorted(name.removeprefix(BEGUN) for name in items if name.startswith(BEGUN))),
                conclusion=self._conclusion(place, items),
            )
        except Erased:
            return None

    def begin(self, caller: str, request_id: str, step: str) -> bool:
        place, owner = Place(caller, request_id), secrets.token_hex(8)
        try:
            self.dynamodb.transact([self._while_alive(place), self._first(place, BEGUN + step, {"owner": owner})])
        except TransactionRefused as refused:
            # Our own, where it worked and the answer was lost.
            return (refused.items.get(_ITEMS) or {}).get("owner") == owner
        return True

    def record(self, caller: str, request_id: str, result: StepResult) -> StepResult:
        place = Place(caller, request_id)
        try:
            number = self._next_number(place)
        except ConditionFailed:
            return result
        return self._keep(place, result_item(result), result, number=number)

    def conclude(self, caller: str, request_id: str, conclusion: Conclusion) -> Conclusion:
        return self._keep(Place(caller, request_id), CONCLUSION, conclusion)

    def head(self, caller: str, request_id: str) -> tuple[ReplyHead, Conclusion | None] | None:
        place = Place(caller, request_id)
        # Job and results, which are long, come behind the head.
        items = {item["item"]: item for item in self._all(place, " AND #item <= :head", {":head": HEAD})}
        if not self._is_alive(items.get(HEAD)):
            return None
        try:
            return self._value(place, items[HEAD], ReplyHead), self._conclusion(place, items)
        except Erased:
            return None

    def erase(self, caller: str, request_id: str) -> None:
        """The head first, so that nothing comes in behind. To be repeated when it raised ``StoreUnavailable``."""
        place = Place(caller, request_id)
        self.dynamodb.delete(self.table, place.key(HEAD))
        for item in self._all(place):
            if item["item"].startswith(BODY):
                self.bodies.delete(place.body_key(item["item"].removeprefix(BODY)))
            self.dynamodb.delete(self.table, place.key(item["item"]))

    def _put_first(self, place: Place, item: str, value: Packed, **more: Any) -> None:
        """Before there is a head."""
        if value.digest:
            self.dynamodb.put(self.table, self._item(place, BODY + value.digest, {}))
            self.bodies.put(place.body_key(value.digest), value.body)
        whole = self._item(place, item, {**value.attributes, **more})
        with suppress(ConditionFailed):
            self.dynamodb.put(self.table, whole, condition=_ABSENT, names=_NAMES)

    def _keep(self, place: Place, item: str, given: Kept, **more: Any) -> Kept:
        """What stands: ``given``, unless there was one before it."""
        value = packed(given)
        try:
            self._put_body(place, value)
            self.dynamodb.transact([self._while_alive(place), self._first(place, item, {**value.attributes, **more})])
        except TransactionRefused as refused:
            if _HEADS not in refused.items and (stands := refused.items.get(_ITEMS)):
                with suppress(Erased):
                    return self._value(place, stands, type(given))
            elif value.digest:
                with suppress(StoreUnavailable):
                    self.bodies.delete(place.body_key(value.digest))  # erased meanwhile, perhaps before it was put
        return given

    def _put_body(self, place: Place, value: Packed) -> None:
        """The item first: whatever is in the bucket can be found and erased."""
        if value.digest:
            marker = Write("Put", self.table, self._item(place, BODY + value.digest, {}))
            self.dynamodb.transact([self._while_alive(place), marker])
            self.bodies.put(place.body_key(value.digest), value.body)

    def _next_number(self, place: Place) -> int:
        """Greater than that of everything recorded before. Raises ``ConditionFailed`` where there is no job."""
        head = self.dynamodb.update(
            self.table,
            place.key(HEAD),
            "ADD recorded :one",
            condition="attribute_exists(#reply) AND expires_at > :now_s",
            names=_NAMES,
            values={":one": 1, ":now_s": self._now_s()},
            returned="ALL_NEW",
        )
        return int(head["recorded"])

    def _while_alive(self, place: Place) -> Write:
        # An update that changes nothing: a bare check would take a permission more.
        return Write(
            "Update",
            self.table,
            place.key(HEAD),
            update="SET alive = :alive",
            condition="attribute_exists(#reply) AND expires_at > :now_s",
            names=_NAMES,
            values={":alive": True, ":now_s": self._now_s()},
        )

    def _first(self, place: Place, item: str, attributes: Mapping[str, Any]) -> Write:
        return Write("Put", self.table, self._item(place, item, attributes), condition=_ABSENT, names=_NAMES)

    def _item(self, place: Place, item: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Nothing goes before the head does: its own time is the earliest."""
        return {**place.key(item), **attributes, "expires_at": self._now_s() + self.keep_s}

    def _all(self, place: Place, only: str = "", values: Item | None = None) -> Iterator[dict[str, Any]]:
        return self.dynamodb.query(
            self.table,
            f"#reply = :reply{only}",
            {":reply": place.reply, **(values or {})},
            names=_NAMES | ({"#item": "item"} if only else {}),
            consistent=True,
        )

    def _conclusion(self, place: Place, items: Mapping[str, Mapping[str, Any]]) -> Conclusion | None:
        return self._value(place, items[CONCLUSION], Conclusion) if CONCLUSION in items else None

    def _value(self, place: Place, item: Mapping[str, Any], kind: type[Kept]) -> Kept:
        return unpacked(item, kind, place, self.bodies)

    def _is_alive(self, head: Mapping[str, Any] | None) -> bool:
        """An expired item may lie there for days more."""
        return head is not None and bool(head["expires_at"] > self._now_s())

    def _now_s(self) -> int:
        return self.clock.now_ms() // 1_000
