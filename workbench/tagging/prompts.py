"""Prompts out of a CSV: one at a time, so a file may be larger than the memory; and the turns in each."""

import csv
import json
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple, TextIO

from signalbox.tagger.excerpt import Turn

COLUMNS = ("prompt_id", "prompt")
# Instructions of whoever built the application; they are not what the user asks.
_NO_TURNS = ("system", "developer")


class PromptsError(ValueError):
    """What is wrong with the file, and where; for the person at the keyboard."""


class Prompt(NamedTuple):
    """One row: its id as it stands there, and its text."""

    id: str
    text: str


def read_prompts(lines: TextIO) -> Iterator[Prompt]:
    """The rows of a CSV with a header, opened with ``newline=""``; columns other than ``COLUMNS`` are passed over.

    Raises ``PromptsError`` for a missing column, a row of another length than the header, and what is no CSV or UTF-8.
    """
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(lines)
    try:
        header = next(reader, None)
        if header is None:
            raise PromptsError("the file is empty: a header with prompt_id and prompt is needed")
        at = _places(header)
        for row in reader:
            if row:
                yield _prompt(row, at, len(header), reader.line_num)
    except UnicodeDecodeError as error:
        raise PromptsError(f"not UTF-8 soon after line {reader.line_num}: {error.reason}") from None
    except csv.Error as error:
        raise PromptsError(f"line {reader.line_num}: {error}") from None


def conversation(prompt: str) -> tuple[Turn, ...]:
    """The turns of a prompt: those of a JSON list of messages, or itself alone. System messages are no turns.

    A list is taken for messages only if each has a role, and content as chat APIs know it: a text, parts or, beside
    tool calls, nothing.
    """
    if prompt.lstrip().startswith("["):
        try:
            messages = json.loads(prompt)
        except (ValueError, RecursionError):  # nested a thousand deep it is no conversation either
            messages = []
        if all(map(_is_message, messages)) and any("content" in one for one in messages):
            return tuple(
                Turn(one["role"] == "user", _text(one.get("content")))
                for one in messages
                if one["role"] not in _NO_TURNS
            )
    return (Turn(True, prompt),)


def _places(header: list[str]) -> tuple[int, int]:
    for name in COLUMNS:
        if header.count(name) != 1:
            found = ", ".join(header[:12]) or "none"
            what = "no column" if name not in header else "more than one column"
            raise PromptsError(f"there is {what} {name}; the header has: {found}")
    return header.index("prompt_id"), header.index("prompt")


def _prompt(row: list[str], at: tuple[int, int], width: int, line: int) -> Prompt:
    if len(row) != width:
        # Of a comma that is not quoted, half a prompt would be scored as if it were the whole.
        raise PromptsError(f"the row that ends in line {line} has {len(row)} fields, the header {width}")
    return Prompt(row[at[0]], row[at[1]])


def _is_message(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("role"), str) and _is_content(one.get("content"))


def _is_content(content: Any) -> bool:
    if isinstance(content, list):
        return all(isinstance(part, str | dict) for part in content)
    return content is None or isinstance(content, str)


def _text(content: Any) -> str:
    """Of parts, the texts, a line each; a picture has none."""
    if not isinstance(content, list):
        return content or ""
    texts = [part if isinstance(part, str) else part.get("text") for part in content]
    return "\n".join(text for text in texts if isinstance(text, str))
