"""One conversation's items: ``head``, ``turn#…``, ``body#…`` for what lies in the bucket, ``link#…``.

A turn's key holds its place and its prefix hash, so that it is there proves that the very same messages are
there before it. Whatever is written or deleted here is in one transaction with a look at the head, so that
nothing joins a conversation that was erased or taken over in the meantime.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from signalbox.contracts.conversations import Snapshot
from signalbox.contracts.messages import Message
from signalbox.conversations.bodies import body_key
from signalbox.conversations.head import figures, snapshot_of
from signalbox.conversations.opened import Turn
from signalbox.transport.dynamodb import MOST_WRITES, DynamoDB, Item, Write

HEAD = "head"
# DynamoDB takes 400 KB an item and 4 MB a transaction.
MOST_ITEM_BYTES = 350_000
MOST_TRANSACTION_BYTES = 3_000_000
_ABOUT_AN_ITEM_BYTES = 500  # all but the body
_PLACE = 6  # digits


@dataclass(frozen=True)
class Sized:
    """A write and about how many bytes its item has."""

    write: Write
    size_bytes: int


@dataclass(frozen=True)
class Guard:
    """A condition on the head that a transaction depends on. ``sets`` changes the head with it."""

    life: str
    condition: str
    values: Mapping[str, Any] = field(default_factory=dict)
    sets: Mapping[str, Any] | None = None
    removes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Partition:
    """Every method raises ``StoreUnavailable``; the writing ones ``TransactionRefused`` with the head at index 0."""

    dynamodb: DynamoDB
    table: str
    caller: str
    conversation_id: str

    def key(self, item: str) -> Item:
        return {"conversation": f"{self.caller}#{self.conversation_id}", "item": item}

    def head(self) -> dict[str, Any] | None:
        return self.dynamodb.get(self.table, self.key(HEAD))

    def stored(self, messages: int, prefix_hash: str) -> Snapshot | None:
        """The figures of the first so many messages, where they are stored; without their words."""
        condition, values = "conversation = :conversation AND #item = :item", self.key(_turn(messages - 1, prefix_hash))
        found = self._query(condition, values, "messages, convo_length, tokens")
        return next(map(snapshot_of, found), None)

    def turns_back(self, kept: int) -> Iterator[dict[str, Any]]:
        """The turns of every branch, the place before ``kept`` first and whatever else is there after the last, page
        by page as they are asked for."""
        condition = "conversation = :conversation AND #item < :item"
        return self._query(condition, self.key(_turn(kept, "")), forward=False)

    def listed(self) -> list[dict[str, Any]]:
        """Every item but the head: its name, its size, and whether its body is in the bucket."""
        found = self._query(
            "conversation = :conversation", {"conversation": self.key(HEAD)["conversation"]}, "size_bytes, in_bucket"
        )
        return [item for item in found if item["item"] != HEAD]

    def change_head(
        self, condition: str, values: Item, sets: Mapping[str, Any] | None = None, removes: Sequence[str] = ()
    ) -> None:
        """Raises ``ConditionFailed`` with the head as it is."""
        update, names, set_values = _changes(sets or {}, removes)
        self.dynamodb.update(
            self.table, self.key(HEAD), update, condition=condition, names=names, values={**set_values, **values}
        )

    def delete_head(self, guard: Guard) -> None:
        """Raises ``ConditionFailed``."""
        values = {**guard.values, ":life": guard.life}
        self.dynamodb.delete(self.table, self.key(HEAD), condition=_condition(guard), values=values)

    def write(self, writes: Iterable[Sized], guard: Guard, closing: Guard | None = None) -> None:
        """``writes``, as many together as fit, each time under ``guard``; the last time under ``closing``."""
        *early, last = batches(writes)
        for batch in early:
            self.dynamodb.transact([self._guarding(guard), *batch])
        self.dynamodb.transact([self._guarding(closing or guard), *last])

    def put(self, item: str, attributes: Mapping[str, Any], expires_at_s: int, size_bytes: int = 0) -> Sized:
        size_bytes += _ABOUT_AN_ITEM_BYTES
        whole = {**self.key(item), **attributes, "expires_at": expires_at_s, "size_bytes": size_bytes}
        return Sized(Write("Put", self.table, whole), size_bytes)

    def turn(self, turn: Turn, before: str, body: bytes | None, expires_at_s: int) -> Sized:
        """``before`` is the prefix hash of the turns before it; without ``body`` the bucket has it."""
        held = {"in_bucket": True} if body is None else {"body": body}
        told = {**figures(turn.snapshot), "before": before, **held}
        return self.put(_turn(turn.index, turn.prefix_hash), told, expires_at_s, len(body or b""))

    def renewed(self, item: Mapping[str, Any], expires_at_s: int) -> Sized:
        write = Write(
            "Update",
            self.table,
            self.key(item["item"]),
            update="SET expires_at = :until",
            condition="attribute_exists(conversation)",
            values={":until": expires_at_s},
        )
        return Sized(write, item["size_bytes"])

    def deleted(self, item: Mapping[str, Any]) -> Sized:
        return Sized(Write("Delete", self.table, self.key(item["item"])), item["size_bytes"])

    def body_key(self, prefix_hash: str) -> str:
        """Where in the bucket the turn with this hash is."""
        return body_key(self.caller, "conversations", self.conversation_id, prefix_hash)

    def _guarding(self, guard: Guard) -> Write:
        # An update that changes nothing, where nothing is to change: a bare check would take a permission more.
        update, names, values = _changes(guard.sets or {"life": guard.life}, guard.removes)
        values |= {**guard.values, ":life": guard.life}
        return Write("Update", self.table, self.key(HEAD), update, _condition(guard), names, values)

    def _query(
        self, condition: str, values: Item, projection: str | None = None, *, forward: bool = True
    ) -> Iterator[dict[str, Any]]:
        return self.dynamodb.query(
            self.table,
            condition,
            {f":{name}": value for name, value in values.items()},
            names={"#item": "item"},
            projection=f"#item, {projection}" if projection else None,
            forward=forward,
            consistent=True,
        )


def _condition(guard: Guard) -> str:
    return f"life = :life AND {guard.condition}"


def _changes(sets: Mapping[str, Any], removes: Sequence[str]) -> tuple[str, dict[str, str], dict[str, Any]]:
    """An update expression with its names and values."""
    setting = ["SET " + ", ".join(f"#{name} = :set_{name}" for name in sets)] if sets else []
    removing = ["REMOVE " + ", ".join(f"#{name}" for name in removes)] if removes else []
    names = {f"#{name}": name for name in (*sets, *removes)}
    return " ".join(setting + removing), names, {f":set_{name}": value for name, value in sets.items()}


def batches(writes: Iterable[Sized]) -> list[list[Write]]:
    """``writes`` in their order, cut so that each piece and a write of the head fit one transaction; at least one."""
    cut: list[list[Write]] = [[]]
    bytes_left = MOST_TRANSACTION_BYTES
    for one in writes:
        if cut[-1] and (len(cut[-1]) == MOST_WRITES - 1 or one.size_bytes > bytes_left):
            cut.append([])
            bytes_left = MOST_TRANSACTION_BYTES
        cut[-1].append(one.write)
        bytes_left -= one.size_bytes
    return cut


def packed(message: Message) -> bytes:
    """As it is kept: JSON, compressed."""
    return zlib.compress(json.dumps(message.model_dump(exclude_defaults=True), separators=(",", ":")).encode())


def unpacked(body: bytes) -> Message:
    return Message.model_validate(json.loads(zlib.decompress(body)))


def prefix_hash_of(item: Mapping[str, Any]) -> str:
    """Of a turn's or a body's item."""
    return str(item["item"].rpartition("#")[2])


def _turn(index: int, prefix_hash: str) -> str:
    return f"turn#{index:0{_PLACE}d}#{prefix_hash}"
