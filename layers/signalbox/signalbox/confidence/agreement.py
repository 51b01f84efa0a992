"""How far several replies to one question say the same."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from signalbox.confidence.phrases import declines, words_of
from signalbox.contracts.adapters import AdapterReply

# So few words are a label: half of one is not half right.
_LABEL_WORDS = 4
_NUMBER = re.compile(r"-?\d[\d.,]*")


def agreement(reply: AdapterReply, samples: Sequence[AdapterReply]) -> float | None:
    """The mean, over ``samples``, of how far each says what ``reply`` says: 0..1. None without samples.

    JSON, tool calls and labels of up to four words agree or do not; prose agrees as far as its words do, and its
    numbers by themselves where it has any: two prices in the same sentence are two answers.
    """
    if not samples:
        return None
    return sum(_alike(reply, sample) for sample in samples) / len(samples)


def _alike(one: AdapterReply, other: AdapterReply) -> float:
    if one.tool_calls or other.tool_calls:
        return float(_calls(one) == _calls(other))
    if declines(one.text) or declines(other.text):
        return 0.0  # two who do not know do not confirm each other
    ours, theirs = _json(one.text), _json(other.text)
    if ours is not None or theirs is not None:
        return float(ours == theirs)
    words, others = words_of(one.text), words_of(other.text)
    if max(len(words), len(others)) <= _LABEL_WORDS:
        return float(_label(one.text) == _label(other.text))
    return min(_overlap(words, others), _overlap(_numbers(one.text), _numbers(other.text)))


def _calls(reply: AdapterReply) -> list[tuple[str, str]]:
    return sorted((call.name, _json(call.arguments) or call.arguments) for call in reply.tool_calls)


def _json(text: str) -> str | None:
    """An object or a list in one spelling, also out of a fenced block; None for anything else."""
    text = text.strip()
    if text.startswith("```") and text.endswith("```"):
        text = text.strip("`").removeprefix("json").strip()
    if not text.startswith(("{", "[")):
        return None
    try:
        value: Any = json.loads(text)
        return json.dumps(value, sort_keys=True)
    except (ValueError, RecursionError):
        return None


def _label(text: str) -> str:
    return " ".join(text.casefold().split()).strip(".!`*'\"")


def _numbers(text: str) -> list[str]:
    return [number.rstrip(".,").replace(",", "") for number in _NUMBER.findall(text)]


def _overlap(one: list[str], other: list[str]) -> float:
    """Words in common, each as often as in both, over the mean length (Dice). Two without words agree."""
    total = len(one) + len(other)
    return 2 * (Counter(one) & Counter(other)).total() / total if total else 1.0
