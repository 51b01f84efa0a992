"""A conversation as one request finds it."""

from dataclasses import dataclass

from signalbox.contracts.conversations import Snapshot
from signalbox.contracts.messages import Message


@dataclass(frozen=True)
class Turn:
    """One message in its place. ``prefix_hash`` is of everything up to and including it (hex), ``snapshot`` too."""

    index: int
    message: Message
    tokens: int
    prefix_hash: str
    snapshot: Snapshot


@dataclass(frozen=True)
class Opened:
    """``kept`` stored turns stay, ``new`` ones follow; ``kept`` below what is stored forks the conversation.

    ``version`` counts commits; 0 is a conversation that does not exist yet. ``prefix_hash`` is of the kept turns.
    ``snapshot`` is of kept and new turns together.
    """

    caller: str
    conversation_id: str
    version: int
    kept: int
    prefix_hash: str
    new: tuple[Turn, ...]
    snapshot: Snapshot
