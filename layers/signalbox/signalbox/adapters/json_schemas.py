"""Walks a JSON Schema, so that a provider can say which keyword it cannot take."""

from collections.abc import Iterator, Mapping
from typing import Any

# Keywords by what they hold, JSON Schema 2020-12. Everything else holds no schema: a property
# named "pattern" is not the keyword, nor is a member of an enum, a const or a default.
_ONE = frozenset(
    [
        "items",
        "additionalProperties",
        "contains",
        "not",
        "if",
        "then",
        "else",
        "propertyNames",
        "unevaluatedItems",
        "unevaluatedProperties",
    ]
)
_MANY = frozenset(("anyOf", "oneOf", "allOf", "prefixItems"))
_NAMED = frozenset(("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"))


def keywords(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Every keyword of ``schema`` and of the schemas inside it, as (dotted path, keyword, value)."""
    for keyword, value in schema.items():
        here = f"{path}.{keyword}" if path else keyword
        yield here, keyword, value
        for step, inner in _inside(keyword, value):
            yield from keywords(inner, f"{here}{step}")


def without_dialect(schema: Mapping[str, Any]) -> dict[str, Any]:
    """``schema`` less ``$schema``, which names the dialect and says nothing of the value."""
    return {keyword: value for keyword, value in schema.items() if keyword != "$schema"}


def closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """``schema`` with ``additionalProperties: false`` on every object that leaves it open by silence.

    Whatever fits the closed schema fits the one that was asked for. What an ``allOf``, ``not`` or
    ``if`` holds stays open: those judge a value together with their neighbours.
    """
    out = {keyword: _closed_inside(keyword, value) for keyword, value in schema.items()}
    kinds = out.get("type")
    if kinds == "object" or (isinstance(kinds, list) and "object" in kinds):
        out.setdefault("additionalProperties", False)
    return out


def _closed_inside(keyword: str, value: Any) -> Any:
    if keyword == "items" and isinstance(value, Mapping):
        return closed(value)
    if keyword in ("anyOf", "oneOf", "prefixItems") and isinstance(value, list):
        return [closed(inner) if isinstance(inner, Mapping) else inner for inner in value]
    if keyword in ("properties", "$defs", "definitions") and isinstance(value, Mapping):
        return {name: closed(inner) if isinstance(inner, Mapping) else inner for name, inner in value.items()}
    return value


def _inside(keyword: str, value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if keyword in _ONE and isinstance(value, Mapping):
        yield "", value
    elif keyword in _MANY and isinstance(value, list):
        yield from ((f"[{index}]", inner) for index, inner in enumerate(value) if isinstance(inner, Mapping))
    elif keyword in _NAMED and isinstance(value, Mapping):
        yield from ((f".{name}", inner) for name, inner in value.items() if isinstance(inner, Mapping))
