"""Which messages the tagger reads: what users and assistants said."""

from collections.abc import Iterable

from signalbox.contracts.messages import Message
from signalbox.tagger.excerpt import Turn


def spoken(messages: Iterable[Message]) -> list[Turn]:
    """Without instructions and tool results, which nobody said, and without turns that say nothing: an assistant that
    only calls tools would push the matter itself out of sight."""
    said = (one for one in messages if one.role in ("user", "assistant"))
    return [Turn(one.role == "user", text) for one in said if (text := one.text).strip()]
