"""A request's part in its conversation: what was said before, and the place to append to, held while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.errors import Conflict
from signalbox.contracts.messages import Message, TextPart
from signalbox.contracts.requests import InferenceRequest
from signalbox.conversations.opened import Opened
from signalbox.execution.ports import Conversations
from signalbox.execution.served import Asked
from signalbox.tagger.spoken import spoken
from signalbox.transport.dynamodb import StoreUnavailable


@dataclass
class Conversing:
    """``opened`` is None for a request without a conversation; everything here then does nothing."""

    request: InferenceRequest
    conversations: Conversations
    opened: Opened | None = None
    _claimed: bool = field(default=False, init=False)

    @classmethod
    def open(cls, asked: Asked, conversations: Conversations) -> "Conversing":
        """Reads only. Raises ``StoreUnavailable``."""
        request = asked.request
        if request.conversation_id is None:
            return cls(request, conversations)
        opened = conversations.open(
            request.caller,
            request.conversation_id,
            request.messages,
            request.conversation_history,
            whole=asked.whole,
        )
        bound = opened.bound_to is not None or request.needs_compliance_check
        known = {"snapshot": opened.snapshot, "needs_compliance_check": bound, "bound_to": opened.bound_to}
        if len(spoken(request.messages)) <= len(spoken(turn.message for turn in opened.new)):
            known["recent"] = opened.recent  # a history that was sent again speaks for itself
        request = request.model_copy(update=known)
        if opened.kept and not _has_user_turn(request.messages):
            # Tool results alone say little; the question they belong to is what the signals are about.
            request = request.model_copy(update={"messages": conversations.messages(opened), "recent": ()})
        return cls(request, conversations, opened)

    @contextmanager
    def claimed(self, until_ms: int, *, bound_to: str | None = None) -> Iterator[None]:
        """Others may not append while the block runs. ``bound_to``: the pin that what is said here stays with.

        Raises ``Conflict``, ``StoreUnavailable``.
        """
        if self.opened is None:
            yield
            return
        self.opened = self.conversations.claim(self.opened, self.request.request_id, until_ms, bound_to=bound_to)
        self._claimed = True
        try:
            yield
        finally:
            if self._claimed:
                with suppress(StoreUnavailable):  # the claim ends by itself
                    self.conversations.release(self.opened, self.request.request_id)

    def messages(self) -> tuple[Message, ...]:
        """The whole conversation, as a model is to see it."""
        opened = self.opened
        if opened is None or opened.snapshot.messages == len(self.request.messages):
            return self.request.messages
        return self.conversations.messages(opened)

    def commit(self, reply: AdapterReply) -> dict[str, object] | None:
        """Append the new turns and ``reply``; what the caller is told of it. Raises ``Conflict``.

        A reply is worth more than its place in the conversation: where the store fails it is ``saved: false``.
        """
        if self.opened is None:
            return None
        opened = self.opened
        told = _told(opened, opened.snapshot.messages + 1)
        try:
            version = self.conversations.commit(self.opened, self.request.request_id, as_turn(reply))
        except StoreUnavailable:
            return {**told, "version": self.opened.version, "saved": False}
        except Conflict:
            self._claimed = False  # another one has it
            raise
        self._claimed = False
        return {**told, "version": version, "saved": True}

    def as_it_is(self) -> dict[str, object] | None:
        """What the caller is told where the turn was appended before."""
        opened = self.opened
        return {**_told(opened, _stored(opened)), "version": opened.version, "saved": True} if opened else None

    def link(self, answers: tuple[str, ...]) -> None:
        """Have kept answers erased with the conversation. Raises ``StoreUnavailable``."""
        if self.opened is not None and answers:
            self.conversations.link(self.opened, answers)


def _told(opened: Opened, messages: int) -> dict[str, object]:
    # counted: messages that had to be tokenized
    return {"id": opened.conversation_id, "messages": messages, "counted": len(opened.new)}


def _stored(opened: Opened) -> int:
    return opened.snapshot.messages - len(opened.new)


def as_turn(reply: AdapterReply) -> Message:
    """What the assistant said, as it will come back from a client that resends everything."""
    text = reply.text or reply.refusal or ""
    return Message(role="assistant", content=(TextPart(text=text),) if text else (), tool_calls=reply.tool_calls)


def _has_user_turn(messages: tuple[Message, ...]) -> bool:
    return any(one.role == "user" for one in messages)
