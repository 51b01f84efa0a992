"""DynamoDB's expressions, as far as the product uses them. What is not understood raises."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

# As they travel: {"S": "alice"}, {"N": "3"}.
Wire = dict[str, Any]
_TOKEN = re.compile(r"\s*(#\w+|:\w+|\w+|<=|>=|<>|[=<>(),])")


class NotUnderstood(Exception):
    """An expression that this interpreter does not know. DynamoDB may."""


class Expressions:
    """Evaluates for one item. ``asked`` is the request that has the names and values."""

    def __init__(self, asked: Mapping[str, Any]) -> None:
        self.names: Mapping[str, str] = asked.get("ExpressionAttributeNames", {})
        self.values: Mapping[str, Wire] = asked.get("ExpressionAttributeValues", {})

    def holds(self, condition: str | None, item: Mapping[str, Wire] | None) -> bool:
        if condition is None:
            return True
        tokens = _Tokens(condition)
        found = self._any(tokens, item or {})
        tokens.end()
        return found

    def updated(self, update: str, item: Mapping[str, Wire]) -> dict[str, Wire]:
        """``item`` after ``update``; every right side sees it as it was before."""
        after, tokens = dict(item), _Tokens(update)
        while tokens.next is not None:
            clause = tokens.take()
            while True:
                self._clause(clause, tokens, item, after)
                if tokens.next != ",":
                    break
                tokens.take()
        return after

    def _clause(self, clause: str, tokens: "_Tokens", item: Mapping[str, Wire], after: dict[str, Wire]) -> None:
        name = self._name(tokens.take())
        match clause:
            case "SET":
                tokens.take("=")
                after[name] = self._value(tokens.take())
            case "REMOVE":
                after.pop(name, None)
            case "ADD":
                total = _number(item.get(name, {"N": "0"})) + _number(self._value(tokens.take()))
                after[name] = {"N": str(total)}
            case _:
                raise NotUnderstood(clause)

    def _any(self, tokens: "_Tokens", item: Mapping[str, Wire]) -> bool:
        found = self._all(tokens, item)
        while tokens.next == "OR":
            tokens.take()
            found = self._all(tokens, item) or found
        return found

    def _all(self, tokens: "_Tokens", item: Mapping[str, Wire]) -> bool:
        found = self._one(tokens, item)
        while tokens.next == "AND":
            tokens.take()
            found = self._one(tokens, item) and found
        return found

    def _one(self, tokens: "_Tokens", item: Mapping[str, Wire]) -> bool:
        token = tokens.take()
        if token == "(":
            found = self._any(tokens, item)
            tokens.take(")")
            return found
        if token in ("attribute_exists", "attribute_not_exists"):
            tokens.take("(")
            there = self._name(tokens.take()) in item
            tokens.take(")")
            return there is (token == "attribute_exists")
        # DynamoDB's rule: a comparison with what is not there is false, whatever it asks.
        held = item.get(self._name(token))
        sign, value = tokens.take(), self._value(tokens.take())
        return held is not None and _compared(held, sign, value)

    def _name(self, token: str) -> str:
        return self.names[token] if token.startswith("#") else token

    def _value(self, token: str) -> Wire:
        if not token.startswith(":"):
            raise NotUnderstood(token)
        return self.values[token]


class _Tokens:
    def __init__(self, text: str) -> None:
        self._left = _split(text)
        self.next: str | None = next(self._left, None)

    def take(self, expected: str | None = None) -> str:
        token = self.next
        if token is None or (expected is not None and token != expected):
            raise NotUnderstood(f"{token} where {expected or 'more'} should be")
        self.next = next(self._left, None)
        return token

    def end(self) -> None:
        if self.next is not None:
            raise NotUnderstood(self.next)


def _split(text: str) -> Iterator[str]:
    at = 0
    while text[at:].strip():
        if not (found := _TOKEN.match(text, at)):
            raise NotUnderstood(text[at:])
        yield found[1]
        at = found.end()


def _compared(held: Wire, sign: str, value: Wire) -> bool:
    if held.keys() != value.keys():
        return False
    one, other = (_number(held), _number(value)) if "N" in held else (_only(held), _only(value))
    match sign:
        case "=":
            return bool(one == other)
        case "<>":
            return bool(one != other)
        case "<":
            return bool(one < other)
        case "<=":
            return bool(one <= other)
        case ">":
            return bool(one > other)
    raise NotUnderstood(sign)


def _number(value: Wire) -> Decimal:
    return Decimal(value["N"])


def _only(value: Wire) -> Any:
    ((_, held),) = value.items()
    return held
