"""YAML with the place of every value.

Built from the parser's events, not from its composer: the composer recurses in C and takes
the process down on deep nesting. Plain scalars follow YAML 1.2's core schema (as editors'
schema checking does), plus dates: ``no`` is a word, not false.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NoReturn

import yaml

from signalbox.policy.problems import PolicyInvalid, Problem

MAX_DEPTH = 16
MAX_CHARACTERS = 512_000

_INT = re.compile(r"[-+]?[0-9]{1,18}\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_WORDS = {"": None, "~": None, "null": None, "true": True, "True": True, "false": False, "False": False}
_ESCAPED_WIDTH = {"x": 4, "u": 6, "U": 10}


@dataclass(slots=True)
class Node:
    """A value with where it starts (from 1), how it was quoted, and the nodes inside it."""

    value: Any
    line: int
    column: int
    style: str | None = None
    children: dict[str | int, "Node"] = field(default_factory=dict)
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """A file's text and what it holds."""

    filename: str
    text: str
    root: Node

    def at(self, path: Sequence[str | int], *, key: bool = False) -> tuple[int, int]:
        """Line and column of the value at ``path`` (of its key if asked), or of what is nearest around it."""
        node = self.root
        for position, step in enumerate(path):
            if key and position == len(path) - 1 and step in node.keys:
                return node.keys[str(step)]
            if step not in node.children:
                break
            node = node.children[step]
        return node.line, node.column

    def within(self, path: Sequence[str | int], line: int, column: int) -> tuple[int, int]:
        """Where a place inside the string at ``path`` is in the file; both count from 1."""
        node = self.root
        for step in path:
            if step not in node.children:
                return self.at(path)
            node = node.children[step]
        lines = self.text.splitlines()
        if node.style == "|" and node.line + line - 1 < len(lines):
            body = [text for text in lines[node.line :] if text.strip()]
            indent = len(body[0]) - len(body[0].lstrip()) if body else 0
            return node.line + line, indent + column
        row = lines[node.line - 1] if node.line <= len(lines) else ""
        if line > 1 or node.style == ">" or "\n" in str(node.value):
            return node.line, node.column
        return node.line, _column(row, node, column)

    def problem(self, path: Sequence[str | int], code: str, message: str, *, key: bool = False, **more: Any) -> Problem:
        return Problem(self.filename, *self.at(path, key=key), code, message, **more)


def _column(row: str, node: Node, column: int) -> int:
    """Step over quotes and escapes, so that the column is the file's and not the string's."""
    place = node.column - 1 + (1 if node.style in ("'", '"') else 0)
    for _ in range(column - 1):
        if node.style == '"' and row[place : place + 1] == "\\":
            place += _ESCAPED_WIDTH.get(row[place + 1 : place + 2], 2)
        elif node.style == "'" and row[place : place + 2] == "''":
            place += 2
        else:
            place += 1
    return place + 1


def read(text: str, filename: str) -> Source:
    """The text as located values. Raises ``PolicyInvalid`` for what is not YAML, or not plain data."""
    if len(text) > MAX_CHARACTERS:
        raise PolicyInvalid([Problem(filename, 1, 1, "too_large", f"a policy has at most {MAX_CHARACTERS} characters")])
    builder = _Builder(filename)
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            builder.take(event)
    except yaml.reader.ReaderError as error:
        raise PolicyInvalid([_unreadable(error, text, filename)]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = error.problem or error.context or "not YAML"
        raise PolicyInvalid([Problem(filename, line, column, "yaml_syntax", message)]) from None
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise PolicyInvalid([Problem(filename, line, 1, "yaml_syntax", "not valid Unicode")]) from None
    if builder.root is None:
        builder.complain(1, 1, "yaml_syntax", "the file is empty")
    if builder.problems or builder.root is None:
        raise PolicyInvalid(builder.problems)
    return Source(filename, text, builder.root)


def _unreadable(error: yaml.reader.ReaderError, text: str, filename: str) -> Problem:
    code = error.character if isinstance(error.character, int) else ord(error.character[:1] or "\0")
    position = max(text.find(chr(code)), 0)
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return Problem(filename, line, column, "yaml_syntax", f"the character U+{code:04X} is not allowed in YAML")


class _Builder:
    """Takes events one by one; holds the open collections on a stack of its own."""

    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.problems: list[Problem] = []
        self.root: Node | None = None
        self._documents = 0
        self._open: list[tuple[Node, str | None]] = []  # with the anchor it declares
        self._keys: list[str | None] = []  # beside _open: the key that waits for its value
        self._anchors: dict[str, Node] = {}

    def complain(self, line: int, column: int, code: str, message: str, suggestion: str | None = None) -> None:
        self.problems.append(Problem(self.filename, line, column, code, message, suggestion))

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._start(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            node, anchor = self._open.pop()
            self._keys.pop()
            if anchor:
                self._anchors[anchor] = node
            self._place(node)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._stop(event, "a policy is one YAML document")

    def _stop(self, event: yaml.Event, message: str) -> NoReturn:
        line, column = _start_of(event)
        raise PolicyInvalid([*self.problems, Problem(self.filename, line, column, "yaml_syntax", message)])

    def _start(self, event: yaml.CollectionStartEvent) -> None:
        if len(self._open) >= MAX_DEPTH:
            self._stop(event, f"nested more than {MAX_DEPTH} deep")
        if event.tag:
            self._stop(event, f"the tag {event.tag} is not allowed")
        if self._awaits_key():
            self._stop(event, "a key must be a plain word")
        value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._open.append((Node(value, *_start_of(event)), event.anchor))
        self._keys.append(None)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        line, column = _start_of(event)
        if self._awaits_key():
            self._key(event.value, line, column)
            return
        if event.tag and event.tag not in ("!", "tag:yaml.org,2002:str"):
            self._stop(event, f"the tag {event.tag} is not allowed")
        plain = not event.style and not event.tag
        node = Node(_plain(event.value) if plain else event.value, line, column, event.style)
        if event.anchor:
            self._anchors[event.anchor] = node
        self._place(node)

    def _alias(self, event: yaml.AliasEvent) -> None:
        target = self._anchors.get(event.anchor or "")
        if target is None or self._awaits_key():
            self._stop(event, f"*{event.anchor} refers to nothing before it")
        if _depth(target) + len(self._open) > MAX_DEPTH:
            self._stop(event, f"nested more than {MAX_DEPTH} deep")
        self._place(target)

    def _awaits_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1][0].value, dict) and self._keys[-1] is None

    def _key(self, name: str, line: int, column: int) -> None:
        keys = self._open[-1][0].keys
        if name in keys:
            self.complain(line, column, "duplicate_key", f"{name!r} is already on line {keys[name][0]}")
        else:
            keys[name] = (line, column)
        self._keys[-1] = name

    def _place(self, node: Node) -> None:
        if not self._open:
            self.root = node
            return
        parent = self._open[-1][0]
        if isinstance(parent.value, list):
            parent.children[len(parent.value)] = node
            parent.value.append(node.value)
            return
        key = self._keys[-1] or ""
        self._keys[-1] = None
        if key not in parent.children:
            parent.children[key] = node
            parent.value[key] = node.value


def _start_of(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _depth(node: Node) -> int:
    return 1 + max(map(_depth, node.children.values()), default=0)


def _plain(text: str) -> Any:
    """The value of an unquoted scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "-+.0123456789":
        return text
    if _INT.match(text):
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    if _DATE.match(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return text
    return text
