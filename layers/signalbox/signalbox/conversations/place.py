"""Where a request's messages belong in what is stored. Pure but for the lookups it is given."""

from collections.abc import Callable, Iterable, Sequence

from signalbox.contracts.conversations import History, Snapshot, Spoken
from signalbox.contracts.messages import Message
from signalbox.conversations.chain import longest, next_hash, prefix_hashes, seed
from signalbox.conversations.head import NOTHING, Head
from signalbox.conversations.opened import Opened, Opening, Turn
from signalbox.signals.tokens import message_tokens
from signalbox.tagger.excerpt import EARLIER_TURNS, shortened
from signalbox.tagger.spoken import spoken

# The figures of the first n messages where their last one is stored under that prefix hash, else None.
Stored = Callable[[int, str], Snapshot | None]


def place(
    caller: str,
    conversation_id: str,
    head: Head,
    messages: Sequence[Message],
    history: History,
    stored: Stored,
    *,
    whole: bool,
) -> Opened:
    """``messages`` against a conversation; only those that are not stored are tokenized.

    A whole history that goes on from the stored one, and new turns, need no lookup; one that differs is forked
    at the first difference. Under ``auto`` a history counts as whole when it begins as the stored one does, up to
    the first message that is no system message: ``[system, new question]`` continues, and an edited first
    question wants ``whole`` to be said. System messages sent again before new turns are not appended again where
    they equal the stored ones; different ones are appended like any turn. Raises ``SignalboxError``
    (``tokenizer_unavailable``).
    """
    hashes = prefix_hashes(seed(caller, conversation_id, head.life), messages)
    if head.length == 0 or _is_whole(head.opening, hashes, history, whole):
        kept, snapshot = _kept(head, hashes, stored)
        recent = latest((), messages[:kept])
        prefix_hash, new, opening = hashes[kept], messages[kept:], _opening(messages, hashes)
    else:
        kept, snapshot, recent = head.length, head.snapshot, head.recent
        prefix_hash, new, opening = head.leaf, messages[_repeated(head.opening, hashes) :], head.opening
    turns = turns_after(prefix_hash, snapshot, new)
    return Opened(
        caller=caller,
        conversation_id=conversation_id,
        version=head.version,
        kept=kept,
        prefix_hash=prefix_hash,
        new=turns,
        snapshot=turns[-1].snapshot if turns else snapshot,
        life=head.life,
        lasts_until_s=head.lasts_until_s,
        opening=opening,
        recent=recent,
    )


def turns_after(prefix_hash: str, snapshot: Snapshot, messages: Iterable[Message]) -> tuple[Turn, ...]:
    """``messages`` counted and in their places after what ``prefix_hash`` and ``snapshot`` stand for."""
    turns: list[Turn] = []
    for message in messages:
        tokens = message_tokens(message)
        prefix_hash = next_hash(prefix_hash, message)
        at = snapshot.messages
        snapshot = Snapshot(
            messages=at + 1,
            convo_length=snapshot.convo_length + (message.role in ("user", "assistant")),
            tokens=snapshot.tokens + tokens,
        )
        turns.append(Turn(at, message, tokens, prefix_hash, snapshot))
    return tuple(turns)


def latest(before: Sequence[Spoken], messages: Iterable[Message]) -> tuple[Spoken, ...]:
    """The last words once ``messages`` have followed ``before``; instructions and tool results are nobody's."""
    said = [Spoken(user=turn.user, text=shortened(turn.text)) for turn in spoken(messages)[-EARLIER_TURNS:]]
    return (*before, *said)[-EARLIER_TURNS:]


def appended(opened: Opened, reply: Message) -> tuple[tuple[Turn, ...], Opening]:
    """The turns that a commit adds, ``reply`` the last of them, and how the conversation begins after that."""
    before = opened.new[-1].prefix_hash if opened.new else opened.prefix_hash
    (last,) = turns_after(before, opened.snapshot, (reply,))
    opening = opened.opening or Opening(last.snapshot.messages, before, last.prefix_hash)
    return (*opened.new, last), opening


def _is_whole(opening: Opening | None, hashes: Sequence[str], history: History, whole: bool) -> bool:
    if history != "auto":
        return history == "whole"
    if opening is None or len(hashes) <= opening.length or hashes[opening.length] != opening.hash:
        return False
    return whole or len(hashes) - 1 > opening.length


def _repeated(opening: Opening | None, hashes: Sequence[str]) -> int:
    """How many leading system messages are there already. Messages that are nothing else are all new."""
    preamble = opening.length - 1 if opening else 0
    if opening and preamble < len(hashes) - 1 and hashes[preamble] == opening.preamble_hash:
        return preamble
    return 0


def _kept(head: Head, hashes: Sequence[str], stored: Stored) -> tuple[int, Snapshot]:
    """How many of the messages are stored, and the figures of those."""
    if head.length < len(hashes) and hashes[head.length] == head.leaf:
        return head.length, head.snapshot
    found = {0: NOTHING}

    def known(messages: int) -> bool:
        if (snapshot := stored(messages, hashes[messages])) is not None:
            found[messages] = snapshot
        return snapshot is not None

    kept = longest(len(hashes) - 1, known)
    return kept, found[kept]


def _opening(messages: Sequence[Message], hashes: Sequence[str]) -> Opening | None:
    at = next((at for at, message in enumerate(messages) if message.role != "system"), None)
    return None if at is None else Opening(at + 1, hashes[at], hashes[at + 1])
