"""Prefix hashes: one value stands for everything up to and including a message. Pure.

Each hash takes in the one before it, so an edit changes every hash from its place on and none before it.
The first takes in the caller, the conversation and its life: equal words of two callers, or of a conversation
that was erased and begun again, have nothing in common.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from itertools import accumulate

from signalbox.contracts.messages import Message

_spelled = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def canonical(message: Message) -> str:
    """``message`` as JSON, ASCII; the same for an empty text and for none, which clients do not tell apart."""
    spoken: dict[str, object] = {"role": message.role, "content": [part.text for part in message.content if part.text]}
    if message.tool_calls:
        spoken["tool_calls"] = [(call.id, call.name, call.arguments) for call in message.tool_calls]
    if message.tool_call_id is not None:
        spoken["tool_call_id"] = message.tool_call_id
    return _spelled(spoken)


def seed(caller: str, conversation_id: str, life: str) -> str:
    """The hash (hex) of no messages at all."""
    return hashlib.sha256(_spelled([caller, conversation_id, life]).encode()).hexdigest()


def next_hash(before: str, message: Message) -> str:
    """The hash (hex) of what ``before`` stands for with ``message`` after it."""
    return hashlib.sha256(bytes.fromhex(before) + canonical(message).encode()).hexdigest()


def prefix_hashes(first: str, messages: Iterable[Message]) -> list[str]:
    """``[k]`` is of the first k messages after what ``first`` stands for; ``[0]`` is ``first``."""
    return list(accumulate(messages, next_hash, initial=first))


def longest(most: int, holds: Callable[[int], bool]) -> int:
    """The largest k of 0..``most`` that ``holds``; 0 does, and every k below one that does.

    Asks twice the logarithm of how far k is below ``most``: histories are mostly edited near their end.
    """
    low, high, step = most, most + 1, 1
    while low > 0 and not holds(low):
        low, high, step = max(0, low - step), low, step * 2
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return low
