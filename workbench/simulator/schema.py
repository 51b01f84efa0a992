"""A JSON value for a JSON Schema: deterministic, and fit for the eye where the schema leaves room."""

import math
import random
import re
from collections.abc import Mapping
from typing import Any

# Deeper than this, optional properties are left out and the shortest alternative is taken, so recursion ends.
SHALLOW_DEPTH = 4
MAX_DEPTH = 40
_FORMATS = {
    "date-time": "2026-01-15T09:30:00Z",
    "date": "2026-01-15",
    "time": "09:30:00Z",
    "duration": "P1D",
    "email": "simulated@example.com",
    "hostname": "simulated.example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/simulated",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
PROSE_KEYS = re.compile(r"answer|summary|reason|text|message|reply|content|description|explanation", re.IGNORECASE)
_SHARE_KEYS = re.compile(r"confidence|score|probability|certainty", re.IGNORECASE)


class UnsupportedSchema(ValueError):
    """The schema asks for something the simulator cannot make up; the message says what."""


class Conformer:
    """Draws values for one root ``schema`` (``$ref`` points into it).

    ``hint`` is the text a value may take up: an enum label it mentions is chosen, prose quotes it. ``around`` is put
    before and behind texts that are free to say anything: those under names like ``answer`` where there are any, else
    all of them, and none where it would be too long. Raises ``UnsupportedSchema`` for ``pattern``s that plain text
    does not meet, foreign ``$ref``s and empty choices.
    """

    def __init__(
        self, schema: Mapping[str, Any], dice: random.Random, hint: str = "", around: tuple[str, str] = ("", "")
    ) -> None:
        self._root = schema
        self._dice = dice
        self._hint = hint
        self._before, self._after = around
        self._anywhere = False  # not only under telling names
        self._placed = False

    def value(self) -> Any:
        """A value that the root schema accepts."""
        try:
            drawn = self._draw(self._root, "", 0)
            if self._before + self._after and not self._placed:
                self._anywhere = True
                drawn = self._draw(self._root, "", 0)
            return drawn
        except (AttributeError, KeyError, TypeError, RecursionError, re.error) as error:
            raise UnsupportedSchema("a malformed schema") from error

    def _draw(self, schema: Any, key: str, depth: int) -> Any:
        if schema is True:
            schema = {}
        if not isinstance(schema, Mapping):
            raise UnsupportedSchema("a schema that accepts nothing")
        if depth > MAX_DEPTH:
            raise UnsupportedSchema("a schema without a finite value")
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._choose(schema["enum"])
        for word in ("anyOf", "oneOf"):
            if options := schema.get(word):
                return self._draw(self._alternative(schema, options, word, depth), key, depth + 1)
        return self._typed(schema, key, depth)

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """``schema`` with its ``$ref`` and ``allOf`` merged in."""
        for _ in range(MAX_DEPTH):
            if "$ref" in schema:
                rest = {word: part for word, part in schema.items() if word != "$ref"}
                schema = _merged(self._lookup(schema["$ref"]), rest)
            elif "allOf" in schema:
                rest = {word: part for word, part in schema.items() if word != "allOf"}
                for part in schema["allOf"]:
                    rest = _merged(rest, self._resolved(part))
                schema = rest
            else:
                return schema
        raise UnsupportedSchema("references that never end")

    def _lookup(self, reference: str) -> Mapping[str, Any]:
        if not reference.startswith("#"):
            raise UnsupportedSchema(f"$ref {reference!r}")
        found: Any = self._root
        for step in reference[1:].split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, Mapping) else None
        if not isinstance(found, Mapping):
            raise UnsupportedSchema(f"$ref {reference!r}")
        return found

    def _choose(self, options: list[Any]) -> Any:
        if not options:
            raise UnsupportedSchema("an empty enum")
        return mentioned([str(option) for option in options], self._hint, options) or self._dice.choice(options)

    def _alternative(self, schema: Mapping[str, Any], options: list[Any], word: str, depth: int) -> Mapping[str, Any]:
        base = {name: part for name, part in schema.items() if name != word}
        merged = [_merged(base, self._resolved(option)) for option in options if isinstance(option, Mapping)]
        if not merged:
            raise UnsupportedSchema(f"an empty {word}")
        full = [option for option in merged if option.get("type") != "null"]
        if depth > SHALLOW_DEPTH or not full:
            return min(merged, key=lambda option: len(str(option)))
        return full[0]

    def _typed(self, schema: Mapping[str, Any], key: str, depth: int) -> Any:
        match _type_of(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, key, depth)
            case "integer":
                return int(self._number(schema, key, whole=True))
            case "number":
                return self._number(schema, key, whole=False)
            case "boolean":
                return self._dice.random() < 0.5
            case "null":
                return None
            case "string":
                return self._string(schema, key)
            case other:
                raise UnsupportedSchema(f"type {other!r}")

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties: Mapping[str, Any] = schema.get("properties") or {}
        required: list[str] = list(schema.get("required") or ())
        names = [name for name in properties if name in required or depth < SHALLOW_DEPTH]
        names += [name for name in required if name not in properties]
        rest = schema.get("additionalProperties", True)
        for index in range(len(names), int(schema.get("minProperties", 0))):
            names.append(f"item_{index + 1}")
        names = names[: max(len(required), int(schema.get("maxProperties", len(names))))]
        return {name: self._draw(properties.get(name, rest), name, depth + 1) for name in names}

    def _array(self, schema: Mapping[str, Any], key: str, depth: int) -> list[Any]:
        first: list[Any] = list(schema.get("prefixItems") or ())
        items = schema.get("items", True)
        least = int(schema.get("minItems", 0))
        most = int(schema.get("maxItems", max(least, len(first), 2)))
        wanted = least if depth >= SHALLOW_DEPTH else min(most, max(least, len(first), 1))
        drawn: list[Any] = []
        for index in range(wanted * 20):
            if len(drawn) == wanted:
                break
            value = self._draw(first[len(drawn)] if len(drawn) < len(first) else items, key, depth + 1)
            if schema.get("uniqueItems") and value in drawn:
                value = f"{value} {index}" if isinstance(value, str) and "enum" not in str(items) else value
            if not (schema.get("uniqueItems") and value in drawn):
                drawn.append(value)
        if len(drawn) < least:
            raise UnsupportedSchema("as many unique items as minItems asks for")
        return drawn

    def _number(self, schema: Mapping[str, Any], key: str, *, whole: bool) -> float:
        low, high = _bounds(schema, whole=whole)
        step = schema.get("multipleOf") or (1 if whole else None)
        if step is None:
            if _SHARE_KEYS.search(key) and low <= 0 and high >= 1:
                low, high = 0.6, 0.99
            drawn = round(self._dice.uniform(low, high), 2)
            return drawn if low <= drawn <= high else (low + high) / 2
        first, last = math.ceil(low / step), math.floor(high / step)
        if first > last:
            raise UnsupportedSchema("a number between bounds that leave none")
        return float(self._dice.randint(first, last) * step)

    def _string(self, schema: Mapping[str, Any], key: str) -> str:
        text = _FORMATS.get(schema.get("format", ""), "")
        if not text:
            quoted = " ".join(self._hint.split())[:120]
            text = f"[simulated] {quoted}" if quoted and PROSE_KEYS.search(key) else f"simulated {key}".strip()
        if not {"format", "pattern"} & set(schema):
            text = self._surrounded(text, key, schema.get("maxLength"))
        text = text.ljust(int(schema.get("minLength", 0)), ".")[: int(schema.get("maxLength", len(text) + 10**6))]
        if (pattern := schema.get("pattern")) and not re.search(pattern, text):
            raise UnsupportedSchema(f"pattern {pattern!r}")
        return text

    def _surrounded(self, text: str, key: str, most: int | None) -> str:
        whole = f"{self._before}{text}{self._after}"
        if not (self._anywhere or PROSE_KEYS.search(key)) or (most is not None and len(whole) > int(most)):
            return text
        self._placed = True
        return whole


def mentioned(names: list[str], text: str, values: list[Any]) -> Any:
    """The first of ``values`` whose name stands in ``text`` as a word of its own, or ``None``."""
    for name, value in zip(names, values, strict=True):
        words = re.escape(name).replace("_", "[_ ]").replace(r"\-", "[- ]")
        if name and re.search(rf"(?<!\w){words}(?!\w)", text, re.IGNORECASE):
            return value
    return None


def _type_of(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "null")
    if kind is None:
        kind = (
            "object" if "properties" in schema or "required" in schema else "array" if "items" in schema else "string"
        )
    return str(kind)


def _bounds(schema: Mapping[str, Any], *, whole: bool) -> tuple[float, float]:
    nudge = 1.0 if whole else 0.01
    lows = [schema[word] + extra for word, extra in (("minimum", 0.0), ("exclusiveMinimum", nudge)) if word in schema]
    highs = [schema[word] - extra for word, extra in (("maximum", 0.0), ("exclusiveMaximum", nudge)) if word in schema]
    if lows:
        low = max(lows)
        return low, min(highs, default=low + 10)
    high = min(highs, default=10.0)
    return min(0.0, high - 10) if high < 0 else 0.0, high


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Both schemas in one: properties and required add up, for the rest the second wins."""
    both = {**one, **other}
    for word in ("properties", "$defs"):
        if word in one and word in other:
            both[word] = {**one[word], **other[word]}
    if "required" in one and "required" in other:
        both["required"] = list(dict.fromkeys([*one["required"], *other["required"]]))
    return both
