"""What each keyword of JSON Schema asks of a value. Pure."""

import operator
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from signalbox.integrity.json_text import shown, type_name
from signalbox.integrity.schema import Prepared, Schema

_ALTERNATIVES = 8  # breaks looked at of each alternative
_CHOICES = 8  # values of an enum that are named
ABSENT = object()
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Break:
    """``value`` is ABSENT for a field that is not there."""

    path: Path
    expected: str
    value: Any

    @property
    def got(self) -> str:
        return "MISSING" if self.value is ABSENT else type_name(self.value)


class Walk(Protocol):
    """What a keyword may use on its way; all of it is paid for in steps. Everything raises Unusable past the last."""

    prepared: Prepared
    listed: dict[int, frozenset[Hashable]]  # of each enum, by its identity

    def spend(self, steps: int = 1) -> None: ...

    def breaks(self, schema: Schema, value: Any, path: Path) -> Iterator[Break]: ...

    def holds(self, schema: Schema, value: Any) -> bool: ...

    def matches(self, expression: str, text: str) -> bool: ...

    def key(self, value: Any) -> Hashable:
        """Equal for values that JSON Schema calls equal: 1 and 1.0 are, 1 and true are not."""


Check = Callable[[Walk, Mapping[str, Any], Any, Path], Iterator[Break]]
_NAMES = {"integer": "INT", "number": "NUMBER", "string": "STRING", "boolean": "BOOL"}


def expected_types(kinds: str | list[str]) -> str:
    names = [kinds] if isinstance(kinds, str) else kinds
    return "|".join(_NAMES.get(name, name.upper()) for name in names)


def is_of(value: Any, kinds: str | list[str]) -> bool:
    names = [kinds] if isinstance(kinds, str) else kinds
    match value:
        case None:
            return "null" in names
        case bool():
            return "boolean" in names
        case int():
            return "integer" in names or "number" in names
        case float():
            return "number" in names or ("integer" in names and value.is_integer())
        case str():
            return "string" in names
        case list():
            return "array" in names
        case _:
            return "object" in names


def _told(walk: Walk, value: Any) -> str:
    walk.spend(10)  # about 20 us, also where nobody will read it
    return shown(value)


# ---- any value


def _enum(walk: Walk, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
    wanted = schema["enum"]
    if id(wanted) not in walk.listed:
        walk.listed[id(wanted)] = frozenset(walk.key(one) for one in wanted)
    if walk.key(value) not in walk.listed[id(wanted)]:
        yield Break(path, f"one of {', '.join(_told(walk, one) for one in wanted[:_CHOICES])}", value)


def _const(walk: Walk, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
    if walk.key(value) != walk.key(schema["const"]):
        yield Break(path, _told(walk, schema["const"]), value)


def _ref(walk: Walk, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
    target = walk.prepared.targets.get(schema["$ref"])
    if target is not None:
        yield from walk.breaks(target, value, path)


def _all_of(walk: Walk, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
    for one in schema["allOf"]:
        yield from walk.breaks(one, value, path)


def _any_of(walk: Walk, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
    found = []
    for one in schema["anyOf"]:
        of_one = list(islice(walk.breaks(one, value, path), _ALTERNATIVES))
        if not of_one:
            return
        found.append(of_one)
    yield from _nearest(found, value, path)


def _one_of(walk: Walk, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
    found = [list(islice(walk.breaks(one, value, path), _ALTERNATIVES)) for one in schema["oneOf"]]
    fitting = sum(not of_one for of_one in found)
    if fitting == 0:
        yield from _nearest(found, value, path)
    elif fitting > 1:
        yield Break(path, f"just one alternative of {len(found)}", value)


def _nearest(alternatives: list[list[Break]], value: Any, path: Path) -> Iterator[Break]:
    """Of alternatives that all break: those of the one that gets furthest; all of them where none gets anywhere."""
    inside = [of_one for of_one in alternatives if all(one.path != path for one in of_one)]
    if inside:
        yield from min(inside, key=len)
    else:
        here = dict.fromkeys(one.expected for of_one in alternatives for one in of_one if one.path == path)
        yield Break(path, "|".join(here), value)


def _not(walk: Walk, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
    if walk.holds(schema["not"], value):
        yield Break(path, f"not {_told(walk, schema['not'])}", value)


def _if(walk: Walk, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
    branch = "then" if walk.holds(schema["if"], value) else "else"
    yield from walk.breaks(schema.get(branch, True), value, path)


# ---- numbers and strings


def _limit(keyword: str, fits: Callable[[Any, Any], bool], says: str) -> Check:
    """``says``: what is expected, with ``{}`` for the keyword's own value."""

    def check(_: Walk, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
        if not fits(value, schema[keyword]):
            yield Break(path, says.format(schema[keyword]), value)

    return check


def _least(keyword: str, of: str) -> Check:
    return _limit(keyword, lambda value, least: len(value) >= least, f">= {{}} {of}")


def _most(keyword: str, of: str) -> Check:
    return _limit(keyword, lambda value, most: len(value) <= most, f"<= {{}} {of}")


def _is_multiple(value: int | float, of: int | float) -> bool:
    """As written: 0.3 is a multiple of 0.1, which in doubles it is not."""
    from fractions import Fraction  # 10 ms, and few schemas need it

    return Fraction(str(value)) % Fraction(str(of)) == 0


def _pattern(walk: Walk, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
    if not walk.matches(schema["pattern"], value):
        yield Break(path, f"pattern {schema['pattern']}", value)


# ---- lists


def _prefix(schema: Mapping[str, Any]) -> list[Schema]:
    items = schema.get("items")
    prefix: list[Schema] = items if isinstance(items, list) else schema.get("prefixItems", [])
    return prefix


def _items(walk: Walk, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
    rest = schema["items"]
    if isinstance(rest, list):  # drafts before 2020-12
        yield from _in_front(walk, schema, value, path)
        rest = schema.get("additionalItems", True)
    for index in range(len(_prefix(schema)), len(value)):
        yield from walk.breaks(rest, value[index], (*path, index))


def _in_front(walk: Walk, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
    for index, (one, item) in enumerate(zip(_prefix(schema), value, strict=False)):
        yield from walk.breaks(one, item, (*path, index))


def _contains(walk: Walk, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
    fitting = sum(walk.holds(schema["contains"], item) for item in value)
    least, most = schema.get("minContains", 1), schema.get("maxContains")
    if fitting < least:
        yield Break(path, f">= {least} items that fit {_told(walk, schema['contains'])}", value)
    if most is not None and fitting > most:
        yield Break(path, f"<= {most} items that fit {_told(walk, schema['contains'])}", value)


def _unique(walk: Walk, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
    if schema["uniqueItems"] and len({walk.key(item) for item in value}) < len(value):
        yield Break(path, "unique items", value)


# ---- objects


def _required(walk: Walk, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
    for name in schema["required"]:
        walk.spend()
        if name not in value:
            yield Break((*path, name), "required", ABSENT)


def _properties(walk: Walk, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
    for name, one in schema["properties"].items():
        walk.spend()
        if name in value:
            yield from walk.breaks(one, value[name], (*path, name))


def _by_pattern(walk: Walk, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
    for expression, one in schema["patternProperties"].items():
        for name, held in value.items():
            if walk.matches(expression, name):
                yield from walk.breaks(one, held, (*path, name))


def _additional(walk: Walk, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
    named, patterns = schema.get("properties", ()), schema.get("patternProperties", ())
    for name, held in value.items():
        walk.spend()
        if name not in named and not any(walk.matches(expression, name) for expression in patterns):
            yield from walk.breaks(schema["additionalProperties"], held, (*path, name))


def _property_names(walk: Walk, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
    for name in value:
        for one in walk.breaks(schema["propertyNames"], name, (*path, name)):
            yield Break(one.path, f"a name that is {one.expected}", name)


def _dependent_required(walk: Walk, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
    for name, wanted in schema["dependentRequired"].items():
        if name in value:
            yield from _required(walk, {"required": wanted}, value, path)


def _dependent(walk: Walk, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
    for name, one in schema["dependentSchemas"].items():
        walk.spend()
        if name in value:
            yield from walk.breaks(one, value, path)


_ANY: dict[str, Check] = {
    "enum": _enum,
    "const": _const,
    "$ref": _ref,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": _not,
    "if": _if,
}
_CHECKS: dict[str, dict[str, Check]] = {
    "number": {
        "minimum": _limit("minimum", operator.ge, ">= {}"),
        "maximum": _limit("maximum", operator.le, "<= {}"),
        "exclusiveMinimum": _limit("exclusiveMinimum", operator.gt, "> {}"),
        "exclusiveMaximum": _limit("exclusiveMaximum", operator.lt, "< {}"),
        "multipleOf": _limit("multipleOf", _is_multiple, "a multiple of {}"),
        **_ANY,
    },
    "string": {
        "minLength": _least("minLength", "characters"),
        "maxLength": _most("maxLength", "characters"),
        "pattern": _pattern,
        **_ANY,
    },
    "array": {
        "minItems": _least("minItems", "items"),
        "maxItems": _most("maxItems", "items"),
        "uniqueItems": _unique,
        "prefixItems": _in_front,
        "items": _items,
        "contains": _contains,
        **_ANY,
    },
    "object": {
        "required": _required,
        "properties": _properties,
        "patternProperties": _by_pattern,
        "additionalProperties": _additional,
        "propertyNames": _property_names,
        "dependentRequired": _dependent_required,
        "dependentSchemas": _dependent,
        "minProperties": _least("minProperties", "fields"),
        "maxProperties": _most("maxProperties", "fields"),
        **_ANY,
    },
}


def checks_of(value: Any) -> dict[str, Check]:
    """Those that have a say about such a value, in the order of their reports."""
    match value:
        case str():
            return _CHECKS["string"]
        case list():
            return _CHECKS["array"]
        case dict():
            return _CHECKS["object"]
        case int() | float() if not isinstance(value, bool):
            return _CHECKS["number"]
        case _:
            return _ANY
