"""``Conversations`` in memory."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from signalbox.contracts.conversations import History, Snapshot
from signalbox.contracts.errors import Conflict, NotFound
from signalbox.contracts.messages import Message
from signalbox.conversations.chain import seed
from signalbox.conversations.head import NOTHING, Head
from signalbox.conversations.opened import Opened
from signalbox.conversations.place import appended, latest, place
from signalbox.execution.ports import Clock

Key = tuple[str, str]


@dataclass
class _Stored:
    head: Head
    expires_at_ms: int
    turns: dict[tuple[int, str], tuple[Snapshot, str, Message]] = field(default_factory=dict)
    links: set[str] = field(default_factory=set)
    claim: tuple[str, int] | None = None
    committed_by: str | None = None
    bound_to: str | None = None


@dataclass
class MemoryConversations:
    """``keep_s`` and ``forget`` as in the real one."""

    clock: Clock
    keep_s: int = 1_000
    forget: Callable[[Iterable[str]], None] = lambda ids: None
    stored: dict[Key, _Stored] = field(default_factory=dict)

    def open(
        self, caller: str, conversation_id: str, messages: tuple[Message, ...], history: History, *, whole: bool
    ) -> Opened:
        stored = self._stored((caller, conversation_id))
        life = secrets.token_hex(8)
        head = stored.head if stored else Head(life, 0, seed(caller, conversation_id, life), NOTHING, 0)

        def known(length: int, prefix_hash: str) -> Snapshot | None:
            found = stored.turns.get((length - 1, prefix_hash)) if stored else None
            return found[0] if found else None

        opened = place(caller, conversation_id, head, messages, history, known, whole=whole)
        if stored is None or not head.version:
            return opened
        return replace(opened, committed_by=stored.committed_by, bound_to=stored.bound_to)

    def claim(self, opened: Opened, request_id: str, until_ms: int, *, bound_to: str | None = None) -> Opened:
        key = (opened.caller, opened.conversation_id)
        stored = self._stored(key)
        busy = stored and stored.claim and stored.claim[0] != request_id and stored.claim[1] > self.clock.now_ms()
        version = stored.head.version if stored else 0
        same = stored is not None and stored.head.life == opened.life
        if busy or version != opened.version or (version and not same):
            raise _conflict(stored)
        if stored is None or not same:
            leaf = seed(*key, opened.life)
            stored = _Stored(Head(opened.life, 0, leaf, NOTHING, 0), self._expires_at_ms())
            self.stored[key] = stored
        stored.claim = (request_id, until_ms)
        stored.bound_to = bound_to or stored.bound_to
        return opened

    def messages(self, opened: Opened) -> tuple[Message, ...]:
        stored, wanted = self._same(opened), opened.prefix_hash
        found: list[Message] = []
        for index in reversed(range(opened.kept)):
            _, wanted, message = stored.turns[index, wanted]
            found.append(message)
        return (*reversed(found), *(turn.message for turn in opened.new))

    def commit(self, opened: Opened, request_id: str, reply: Message) -> int:
        stored = self._same(opened)
        if stored.committed_by == request_id:
            return stored.head.version
        if stored.claim is None or stored.claim[0] != request_id:
            raise _conflict(stored)
        turns, opening = appended(opened, reply)
        before = opened.prefix_hash
        for turn in turns:
            stored.turns[turn.index, turn.prefix_hash] = (turn.snapshot, before, turn.message)
            before = turn.prefix_hash
        version = opened.version + 1
        stored.head = replace(
            stored.head,
            version=version,
            leaf=before,
            snapshot=turns[-1].snapshot,
            opening=opening,
            recent=latest(opened.recent, (turn.message for turn in turns)),
        )
        stored.claim, stored.committed_by, stored.expires_at_ms = None, request_id, self._expires_at_ms()
        return version

    def release(self, opened: Opened, request_id: str) -> None:
        stored = self._stored((opened.caller, opened.conversation_id))
        if stored and stored.head.life == opened.life and stored.claim and stored.claim[0] == request_id:
            stored.claim = None

    def link(self, opened: Opened, answers: Iterable[str]) -> None:
        self._same(opened).links.update(answers)

    def erase(self, caller: str, conversation_id: str) -> None:
        stored = self._stored((caller, conversation_id))
        if stored is None:
            raise NotFound("conversation_not_found", "There is no conversation of yours with this id.", param="id")
        if stored.links:
            self.forget(sorted(stored.links))
        del self.stored[caller, conversation_id]

    def _stored(self, key: Key) -> _Stored | None:
        stored = self.stored.get(key)
        return None if stored is None or stored.expires_at_ms <= self.clock.now_ms() else stored

    def _same(self, opened: Opened) -> _Stored:
        stored = self._stored((opened.caller, opened.conversation_id))
        if stored is None or stored.head.life != opened.life:
            raise _conflict(stored)
        return stored

    def _expires_at_ms(self) -> int:
        return self.clock.now_ms() + self.keep_s * 1_000


def _conflict(stored: _Stored | None) -> Conflict:
    version = stored.head.version if stored else 0
    return Conflict("conversation_conflict", f"Its current version is {version}.", param="conversation_id")
