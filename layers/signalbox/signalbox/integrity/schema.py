"""A JSON Schema (2020-12) made ready to check by, or why it cannot be. Pure: nothing is ever fetched.

Somebody else's schema: everything about it is looked at before a value is, so that checking meets no surprise.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from signalbox.integrity.json_text import MOST_LEVELS, levels_beyond, shown
from signalbox.integrity.patterns import MOST_WEIGHT, Pattern, compiled, weight

Schema = Mapping[str, Any] | bool
_TYPES = frozenset(("string", "integer", "number", "boolean", "null", "array", "object"))
_MOST_BITS = 10_000  # Python spells numbers out up to 4,300 digits


class Unusable(Exception):
    """Why no value can be checked by a schema."""


@dataclass
class Prepared:
    """``gaps``: what is in the schema and is not checked. A pattern or reference that is missing here is such a gap."""

    root: Schema
    patterns: dict[str, Pattern] = field(default_factory=dict)
    targets: dict[str, Schema] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)


def check_schema(schema: Mapping[str, Any]) -> str | None:
    """Why not everything that ``schema`` says can be checked; None when it can. Raises nothing."""
    try:
        gaps = prepare(schema).gaps
    except Unusable as wrong:
        return str(wrong)
    return gaps[0] if gaps else None


def prepare(schema: Schema) -> Prepared:
    """Raises Unusable for what is no schema, never ends, or has a gap where leaving it out could wrong a value."""
    if levels_beyond(schema, MOST_LEVELS):
        raise Unusable(f"nested more than {MOST_LEVELS} levels deep")
    prepared = Prepared(schema)
    _Inspection(prepared).run()
    _ends(prepared)
    return prepared


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0 and value == int(value)


def _is_number(value: Any) -> bool:
    if isinstance(value, int):
        return not isinstance(value, bool) and value.bit_length() <= _MOST_BITS
    return isinstance(value, float) and math.isfinite(value)


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _is_types(value: Any) -> bool:
    kinds = value if isinstance(value, list) else [value]
    return bool(kinds) and all(isinstance(kind, str) and kind in _TYPES for kind in kinds)


def _is_schema(value: Any) -> bool:
    return isinstance(value, dict | bool)


def _is_schemas(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_schema, value))


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(name, str) and _is_schema(one) for name, one in value.items())


def _is_items(value: Any) -> bool:
    return _is_schema(value) or (isinstance(value, list) and all(map(_is_schema, value)))


def _is_dependencies(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(name, str) and _is_names(one) for name, one in value.items())


_SHAPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(
        (
            "minLength",
            "maxLength",
            "minItems",
            "maxItems",
            "minProperties",
            "maxProperties",
            "minContains",
            "maxContains",
        ),
        (_is_count, "a count"),
    ),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), (_is_number, "a number")),
    "multipleOf": (lambda value: _is_number(value) and value > 0, "a number above 0"),
    "type": (_is_types, "a type of JSON Schema or a list of them"),
    "enum": (lambda value: isinstance(value, list), "a list"),
    "required": (_is_names, "a list of names"),
    "dependentRequired": (_is_dependencies, "lists of names by name"),
    "uniqueItems": (lambda value: isinstance(value, bool), "true or false"),
    "items": (_is_items, "a schema"),
    **dict.fromkeys(("pattern", "$ref", "$id", "$anchor"), (lambda value: isinstance(value, str), "a string")),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), (_is_schemas, "a list of schemas")),
    **dict.fromkeys(
        ("additionalProperties", "additionalItems", "contains", "not", "if", "then", "else", "propertyNames"),
        (_is_schema, "a schema"),
    ),
    **dict.fromkeys(
        ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions"), (_is_named, "schemas by name")
    ),
}
_UNKNOWN = ("unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef", "dependencies")
# What is let pass here may let too much pass, or break a value that is whole.
_CONTRARY = frozenset(("not", "if", "oneOf", "contains"))
# Looks at the same value again.
_IN_PLACE = frozenset(("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"))


def inner_schemas(schema: Mapping[str, Any]) -> Iterator[tuple[str, Schema]]:
    """The schemas right inside ``schema``, with the keyword that holds each."""
    for keyword, value in schema.items():
        shape = _SHAPES.get(keyword, (None, ""))[0]
        if shape is _is_named:
            yield from ((keyword, one) for one in value.values())
        elif shape is _is_schemas or (shape is _is_items and isinstance(value, list)):
            yield from ((keyword, one) for one in value)
        elif shape in (_is_schema, _is_items):
            yield keyword, value


@dataclass
class _Inspection:
    """Goes over every schema that is in reach once, or twice where it stands both under ``_CONTRARY`` and not."""

    prepared: Prepared
    weight: int = 0  # of all patterns so far
    seen: set[tuple[int, bool]] = field(default_factory=set)
    anchors: dict[str, Schema] = field(default_factory=dict)

    def run(self) -> None:
        root = self.prepared.root
        self._collect_anchors(root)
        waiting: list[tuple[Schema, bool]] = [(root, False)]
        while waiting:
            schema, contrary = waiting.pop()
            if not isinstance(schema, Mapping) or (id(schema), contrary) in self.seen:
                continue
            self.seen.add((id(schema), contrary))
            self._shapes(schema)
            for gap in self._gaps(schema):
                self._leave_out(gap, contrary)
            waiting += [(one, contrary or keyword in _CONTRARY) for keyword, one in inner_schemas(schema)]
            if (target := self.prepared.targets.get(schema.get("$ref", ""))) is not None:
                waiting.append((target, contrary))

    def _collect_anchors(self, root: Schema) -> None:
        waiting = [root]
        while waiting:
            schema = waiting.pop()
            if isinstance(schema, Mapping):
                self._shapes(schema)
                if schema is not root and "$id" in schema and not schema["$id"].startswith("#"):
                    raise Unusable("`$id` inside the schema, which makes its references mean something else")
                for name in (schema.get("$anchor"), schema.get("$id", "").partition("#")[2]):
                    if name:
                        self.anchors[f"#{name}"] = schema
                waiting += [one for _, one in inner_schemas(schema)]

    def _shapes(self, schema: Mapping[str, Any]) -> None:
        if not all(isinstance(keyword, str) for keyword in schema):
            raise Unusable("a keyword that is not a string")
        for keyword, (fits, wanted) in _SHAPES.items():
            if keyword in schema and not fits(schema[keyword]):
                raise Unusable(f"`{keyword}` must be {wanted}, and is {shown(schema[keyword])}")

    def _gaps(self, schema: Mapping[str, Any]) -> Iterator[str]:
        yield from (f"`{keyword}` is not checked" for keyword in _UNKNOWN if keyword in schema)
        if "$ref" in schema and not self._resolve(schema["$ref"]):
            yield f"`$ref` {shown(schema['$ref'])} leads nowhere in the schema, and nothing is fetched"
        if "pattern" in schema and not self._compile(schema["pattern"]):
            yield _unknown_pattern(schema["pattern"])
        for name in schema.get("patternProperties", ()):
            if not self._compile(name):
                raise Unusable(_unknown_pattern(name))  # the rest of the properties would be wronged

    def _leave_out(self, gap: str, contrary: bool) -> None:
        if contrary:
            raise Unusable(gap)
        self.prepared.gaps.append(gap)

    def _compile(self, expression: str) -> bool:
        if expression in self.prepared.patterns:
            return True
        self.weight += weight(expression)
        if self.weight <= MOST_WEIGHT and (pattern := compiled(expression)) is not None:
            self.prepared.patterns[expression] = pattern
        return expression in self.prepared.patterns

    def _resolve(self, reference: str) -> bool:
        root = self.prepared.root
        own = root.get("$id", "").partition("#")[0] if isinstance(root, Mapping) else ""
        fragment = reference.removeprefix(own) if own else reference
        target = self.anchors.get(fragment)
        if target is None and fragment in ("", "#"):
            target = root
        elif target is None and fragment.startswith("#/"):
            target = _at(root, unquote(fragment[2:]))
        if target is not None and _is_schema(target):
            self.prepared.targets[reference] = target
        return reference in self.prepared.targets


def _unknown_pattern(expression: str) -> str:
    return f"the pattern {shown(expression)} cannot be run: no lookaround or backreference, and no great repetitions"


def _at(root: Schema, pointer: str) -> Any:
    found: Any = root
    for step in pointer.split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(name)
        elif isinstance(found, list) and name.isdecimal() and len(name) < 9 and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found


def _ends(prepared: Prepared) -> None:
    """Raises Unusable where a schema comes back to itself without having gone into the value."""
    done: set[int] = set()
    on_the_way: set[int] = set()
    for start in prepared.targets.values():  # a circle has a reference in it
        waiting: list[tuple[Schema, bool]] = [(start, False)]
        while waiting:
            schema, left = waiting.pop()
            if left:
                on_the_way.discard(id(schema))
                done.add(id(schema))
            elif id(schema) in on_the_way:
                raise Unusable("a schema that refers to itself for the same value never ends")
            elif isinstance(schema, Mapping) and id(schema) not in done:
                on_the_way.add(id(schema))
                waiting.append((schema, True))
                waiting += [(one, False) for one in _same_value(schema, prepared)]


def _same_value(schema: Mapping[str, Any], prepared: Prepared) -> Iterator[Schema]:
    yield from (one for keyword, one in inner_schemas(schema) if keyword in _IN_PLACE)
    if (target := prepared.targets.get(schema.get("$ref", ""))) is not None:
        yield target
