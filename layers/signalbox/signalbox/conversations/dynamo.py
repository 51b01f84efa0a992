"""``Conversations`` over DynamoDB, long turns in S3."""

import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from signalbox.contracts.conversations import History
from signalbox.contracts.errors import NotFound
from signalbox.contracts.messages import Message
from signalbox.conversations.bodies import Bodies
from signalbox.conversations.chain import seed
from signalbox.conversations.head import NOTHING, Head, attributes, conflict, expired, head_of
from signalbox.conversations.opened import Opened
from signalbox.conversations.partition import MOST_ITEM_BYTES, Guard, Partition, packed, prefix_hash_of, unpacked
from signalbox.conversations.place import appended, latest, place
from signalbox.conversations.upkeep import erase_all, renewed
from signalbox.execution.ports import Clock
from signalbox.transport.dynamodb import ConditionFailed, DynamoDB, StoreUnavailable, TransactionRefused

# Turns outlive their head by this at least, longer than any request runs.
GRACE_S = 3_600
_NOT_ERASED = "attribute_not_exists(erased)"
_CLAIMED = f"claimed_by = :request AND {_NOT_ERASED}"
_UNCLAIMED = "(attribute_not_exists(claimed_by) OR claimed_by = :request OR claimed_until_ms <= :now_ms)"
_CLAIM = ("claimed_by", "claimed_until_ms")


@dataclass(frozen=True)
class DynamoConversations:
    """``keep_s``: a conversation reads as absent that long after its last commit.

    Its turns share one time to go, a quarter of ``keep_s`` later still, and are given a new one together by a
    commit that would outlive them: one renewal in a quarter of ``keep_s`` at most, however many turns there are.
    ``forget`` erases kept answers by the ids of their tickets.
    """

    dynamodb: DynamoDB
    table: str
    bodies: Bodies
    keep_s: int
    forget: Callable[[Iterable[str]], None]
    clock: Clock

    def open(
        self, caller: str, conversation_id: str, messages: tuple[Message, ...], history: History, *, whole: bool
    ) -> Opened:
        """One read of the head, and none of a turn where only new turns come, or all of it comes again with them.

        ``place`` says what ``auto`` means. Raises ``SignalboxError`` (``tokenizer_unavailable``).
        """
        part = Partition(self.dynamodb, self.table, caller, conversation_id)
        item = part.head()
        if item is None or item.get("erased") or expired(item, self.clock.now_ms()):
            life = secrets.token_hex(8)
            head = Head(life, 0, seed(caller, conversation_id, life), NOTHING, self._lasts_until_s())
        else:
            head = head_of(item)
        opened = place(caller, conversation_id, head, messages, history, part.stored, whole=whole)
        if item is None or not head.version:
            return opened
        return replace(opened, committed_by=item.get("committed_by"), bound_to=item.get("bound_to"))

    def claim(self, opened: Opened, request_id: str, until_ms: int, *, bound_to: str | None = None) -> Opened:
        now_ms = self.clock.now_ms()
        sets: dict[str, Any] = {"claimed_by": request_id, "claimed_until_ms": until_ms}
        if bound_to is not None:
            sets["bound_to"] = bound_to
        values: dict[str, str | int] = {":request": request_id, ":now_ms": now_ms}
        removes: tuple[str, ...] = ()
        if opened.version:
            condition = f"life = :life AND version = :version AND {_NOT_ERASED} AND {_UNCLAIMED}"
            values |= {":life": opened.life, ":version": opened.version}
        else:
            begun = f"expires_at <= :now_s OR (version = :none AND {_NOT_ERASED})"
            condition = f"attribute_not_exists(life) OR ({_UNCLAIMED} AND ({begun}))"
            values |= {":none": 0, ":now_s": now_ms // 1_000}
            leaf = seed(opened.caller, opened.conversation_id, opened.life)
            head = Head(opened.life, 0, leaf, NOTHING, opened.lasts_until_s)
            sets |= {**attributes(head), "expires_at": self._expires_at_s(opened.lasts_until_s)}
            removes = ("erased", "committed_by") if bound_to else ("erased", "committed_by", "bound_to")
        try:
            self._partition(opened).change_head(condition, values, sets, removes)
        except ConditionFailed as failed:
            raise conflict(failed.item, now_ms) from None
        return opened

    def messages(self, opened: Opened) -> tuple[Message, ...]:
        """Raises ``Conflict`` when the conversation was erased meanwhile."""
        part, found, wanted = self._partition(opened), list[Message](), opened.prefix_hash
        stored = part.turns_back(opened.kept)
        while len(found) < opened.kept and (item := next(stored, None)):
            if prefix_hash_of(item) == wanted:  # the rest are other branches
                body = item["body"] if "body" in item else self.bodies.get(part.body_key(wanted))
                if body is None:
                    break
                found.append(unpacked(body))
                wanted = item["before"]
        if len(found) != opened.kept:
            raise conflict(None, self.clock.now_ms())
        return (*reversed(found), *(turn.message for turn in opened.new))

    def commit(self, opened: Opened, request_id: str, reply: Message) -> int:
        """What a commit that failed has written harms nobody: no head leads to it, and it expires."""
        part = self._partition(opened)
        bodies: dict[str, bytes] = {}
        try:
            return self._commit(part, opened, request_id, reply, bodies)
        except TransactionRefused as refused:
            head = refused.items.get(0)
        ours = head is not None and head["life"] == opened.life
        if head and ours and head.get("committed_by") == request_id:
            return int(head["version"])
        if not (head and ours) or head.get("erased"):
            with suppress(StoreUnavailable):
                for prefix_hash in bodies:
                    self.bodies.delete(part.body_key(prefix_hash))
        raise conflict(head, self.clock.now_ms())

    def release(self, opened: Opened, request_id: str) -> None:
        """A conversation that never began keeps an empty head, by which what was linked to it can be erased."""
        values = {":life": opened.life, ":request": request_id}
        with suppress(ConditionFailed):
            self._partition(opened).change_head("life = :life AND claimed_by = :request", values, removes=_CLAIM)

    def link(self, opened: Opened, answers: Iterable[str]) -> None:
        """Raises ``Conflict`` when the conversation was erased meanwhile."""
        part, lasts_until_s = self._partition(opened), self._lasts_until_s()
        links = [part.put(f"link#{answer}", {}, lasts_until_s) for answer in answers]
        try:
            part.write(links, Guard(opened.life, _NOT_ERASED))
        except TransactionRefused as refused:
            raise conflict(refused.items.get(0), self.clock.now_ms()) from None

    def erase(self, caller: str, conversation_id: str) -> None:
        """To be repeated when it raised ``StoreUnavailable``: the id takes no new turns until all is erased."""
        part = Partition(self.dynamodb, self.table, caller, conversation_id)
        item = part.head()
        if item is None or expired(item, self.clock.now_ms()):
            raise NotFound("conversation_not_found", "There is no conversation of yours with this id.", param="id")
        erase_all(part, item["life"], self.bodies, self.forget)

    def _commit(self, part: Partition, opened: Opened, request_id: str, reply: Message, put: dict[str, bytes]) -> int:
        """``put`` tells, also when this raises, which bodies may be in the bucket."""
        guard = Guard(opened.life, _CLAIMED, {":request": request_id})
        lasts_until_s = self._renewed(part, opened, guard)
        turns, opening = appended(opened, reply)
        texts = {turn.prefix_hash: packed(turn.message) for turn in turns}
        put |= {prefix_hash: text for prefix_hash, text in texts.items() if len(text) > MOST_ITEM_BYTES}
        self._put_bodies(part, guard, put, lasts_until_s)
        befores = (opened.prefix_hash, *(turn.prefix_hash for turn in turns))
        writes = [
            part.turn(turn, before, None if turn.prefix_hash in put else texts[turn.prefix_hash], lasts_until_s)
            for turn, before in zip(turns, befores, strict=False)
        ]
        last, recent = turns[-1], latest(opened.recent, (turn.message for turn in turns))
        head = Head(opened.life, opened.version + 1, last.prefix_hash, last.snapshot, lasts_until_s, opening, recent)
        sets = {**attributes(head), "expires_at": self._expires_at_s(lasts_until_s), "committed_by": request_id}
        part.write(writes, guard, Guard(opened.life, _CLAIMED, {":request": request_id}, sets, _CLAIM))
        return head.version

    def _put_bodies(self, part: Partition, guard: Guard, bodies: Mapping[str, bytes], lasts_until_s: int) -> None:
        """The item first: whatever is in the bucket can be found and erased."""
        if bodies:
            part.write([part.put(f"body#{prefix_hash}", {}, lasts_until_s) for prefix_hash in bodies], guard)
        for prefix_hash, body in bodies.items():
            self.bodies.put(part.body_key(prefix_hash), body)

    def _renewed(self, part: Partition, opened: Opened, guard: Guard) -> int:
        """Until when the turns last (Unix seconds); where they cannot be renewed now, the next commit will try."""
        due = self._now_s() + self.keep_s + GRACE_S > opened.lasts_until_s
        if due and renewed(part, guard, self.bodies, until_s := self._lasts_until_s()):
            return until_s
        return opened.lasts_until_s

    def _partition(self, opened: Opened) -> Partition:
        return Partition(self.dynamodb, self.table, opened.caller, opened.conversation_id)

    def _now_s(self) -> int:
        return self.clock.now_ms() // 1_000

    def _lasts_until_s(self) -> int:
        return self._now_s() + self.keep_s + self.keep_s // 4 + GRACE_S

    def _expires_at_s(self, lasts_until_s: int) -> int:
        """Of the head: never after its turns."""
        return min(self._now_s() + self.keep_s, lasts_until_s - GRACE_S)
