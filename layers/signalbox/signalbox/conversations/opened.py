"""A conversation as one request finds it."""

from dataclasses import dataclass

from signalbox.contracts.conversations import Snapshot, Spoken
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
class Opening:
    """How a conversation begins: its leading system messages and the first other one, ``length`` together.

    ``hash`` is of all of them, ``preamble_hash`` of the system messages alone.
    """

    length: int
    preamble_hash: str
    hash: str


@dataclass(frozen=True)
class Opened:
    """``kept`` stored turns stay, ``new`` ones follow; ``kept`` below what is stored forks the conversation.

    ``version`` counts commits; 0 is a conversation that does not exist yet. ``prefix_hash`` is of the kept turns.
    ``snapshot`` is of kept and new turns together. ``life`` tells a conversation from one that had its id before;
    its turns stay until ``lasts_until_s`` (Unix). ``opening`` is None while only system messages are there.
    """

    caller: str
    conversation_id: str
    version: int
    kept: int
    prefix_hash: str
    new: tuple[Turn, ...]
    snapshot: Snapshot
    life: str = ""
    lasts_until_s: int = 0
    opening: Opening | None = None
    recent: tuple[Spoken, ...] = ()  # the last of the kept turns
    committed_by: str | None = None  # the request whose reply is the last one
    bound_to: str | None = None  # the pin (roster id) of a compliance-bound turn, which later turns carry along
