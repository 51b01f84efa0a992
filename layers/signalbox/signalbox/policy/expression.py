"""What a compiled CEL expression says: the compiler's own tree, read from its serialized form.

The library hands out no tree, but serializes one (``cel.expr.CheckedExpr``,
https://github.com/google/cel-spec/blob/master/proto/cel/expr/checked.proto). Only the parts
that are asked about here are decoded; everything else is an ``other`` node with its children.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import unpack
from typing import Literal

Constant = bool | int | float | str | None
Kind = Literal["constant", "name", "call", "other"]
COMPARISONS = ("_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_")


@dataclass(frozen=True, slots=True)
class Expression:
    """``name``: the variable's, or the function's (``_<_``). ``id``: its key in ``offsets``."""

    kind: Kind
    id: int
    name: str = ""
    value: Constant = None
    arguments: tuple["Expression", ...] = ()

    def walk(self) -> Iterator["Expression"]:
        """This node and all below it."""
        yield self
        for argument in self.arguments:
            yield from argument.walk()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(node.name for node in self.walk() if node.kind == "name")


@dataclass(frozen=True, slots=True)
class Comparison:
    """A variable against a constant, turned so that the variable stands on the left."""

    name: str
    operator: str
    constant: Constant
    id: int


_TURNED = {"_<_": "_>_", "_<=_": "_>=_", "_>_": "_<_", "_>=_": "_<=_"}


def comparisons(node: Expression) -> list[Comparison]:
    """What this one node compares a variable with: one constant, or each constant of a list (``in``)."""
    if node.kind != "call" or len(node.arguments) != 2:
        return []
    left, right = node.arguments
    if node.name in COMPARISONS and left.kind == "name" and right.kind == "constant":
        return [Comparison(left.name, node.name, right.value, right.id)]
    if node.name in COMPARISONS and left.kind == "constant" and right.kind == "name":
        return [Comparison(right.name, _TURNED.get(node.name, node.name), left.value, left.id)]
    if node.name == "@in" and left.kind == "name" and all(item.kind == "constant" for item in right.arguments):
        return [Comparison(left.name, "_==_", item.value, item.id) for item in right.arguments]
    return []


def read(serialized: bytes, words: frozenset[str]) -> Expression:
    """The tree of a serialized ``Any`` of ``CheckedExpr``. ``words``: names that are constants, each its own text."""
    return _Reader(words).expression(_one(_fields(_one(_fields(serialized), 2)), 4))


def offsets(serialized: bytes) -> dict[int, int]:
    """Where each node stands in the source, in code points from its start."""
    information = _one(_fields(_one(_fields(serialized), 2)), 5)
    pairs = (dict(_fields(_bytes(entry))) for number, entry in _fields(information) if number == 4)
    return {_int(pair.get(1, 0)): _int(pair.get(2, 0)) for pair in pairs}


Field = tuple[int, int | bytes]


@dataclass(frozen=True, slots=True)
class _Reader:
    words: frozenset[str]

    def expression(self, data: bytes) -> Expression:
        parts = _fields(data)
        node = _int(next((value for number, value in parts if number == 2), 0))
        for number, value in parts:
            if number == 3:
                return Expression("constant", node, value=_constant(_bytes(value)))
            if number == 4:
                name = _one(_fields(_bytes(value)), 1).decode()
                return (
                    Expression("constant", node, value=name) if name in self.words else Expression("name", node, name)
                )
            if number == 6:
                return self._call(_bytes(value), node)
            if number >= 5:
                return Expression("other", node, arguments=tuple(self._children(number, _bytes(value))))
        return Expression("other", node)

    def _call(self, data: bytes, node: int) -> Expression:
        parts = _fields(data)
        arguments = tuple(self.expression(_bytes(value)) for number, value in parts if number in (1, 3))
        return Expression("call", node, name=_one(parts, 2).decode(), arguments=arguments)

    def _children(self, number: int, data: bytes) -> Iterator[Expression]:
        """Of a select (5), list (7), struct (8) or comprehension (9): the expressions directly inside."""
        inside = {5: (1,), 7: (1,), 8: (), 9: (2, 4, 5, 6, 7)}.get(number, ())
        for field_number, value in _fields(data):
            if field_number in inside:
                yield self.expression(_bytes(value))
            elif number == 8 and field_number == 2:
                for entry_number, entry in _fields(_bytes(value)):
                    if entry_number in (3, 4):
                        yield self.expression(_bytes(entry))


def _constant(data: bytes) -> Constant:
    for number, value in _fields(data):
        if number == 2:
            return bool(value)
        if number == 3:
            integer = _int(value)
            return integer - (1 << 64) if integer >> 63 else integer
        if number == 4:
            return _int(value)
        if number == 5:
            return float(unpack("<d", _bytes(value))[0])
        if number == 6:
            return _bytes(value).decode()
    return None


def _fields(data: bytes) -> list[Field]:
    """The fields of one protobuf message, as (number, integer or bytes)."""
    found: list[Field] = []
    at = 0
    end = len(data)
    while at < end:
        tag = data[at]  # of one byte: the messages that are read have no field above 15
        at += 1
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            found.append((number, value))
            continue
        size = 8 if wire == 1 else 4
        if wire == 2:
            size, at = _varint(data, at)
        found.append((number, data[at : at + size]))
        at += size
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    if data[at] < 0x80:
        return data[at], at + 1
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _one(parts: list[Field], number: int) -> bytes:
    return next((_bytes(value) for found, value in parts if found == number), b"")


def _bytes(value: int | bytes) -> bytes:
    return value if isinstance(value, bytes) else b""


def _int(value: int | bytes) -> int:
    return value if isinstance(value, int) else 0
