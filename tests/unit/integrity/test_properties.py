"""For every schema and every reply: whole values pass, one broken field is that field, nothing raises."""

import copy
import json
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from signalbox.integrity.check import MOST_VIOLATIONS, check
from signalbox.integrity.demands import Demands
from signalbox.integrity.fields import breaks
from signalbox.integrity.schema import Unusable, check_schema, prepare
from tests.unit.integrity.test_check import replied
from workbench.simulator.schema import Conformer

_NAMES = st.sampled_from(["label", "amount", "tags", "id"])
_LEAVES = st.sampled_from(
    [
        {"type": "string", "minLength": 1, "maxLength": 30},
        {"type": "integer", "minimum": -5, "maximum": 50},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 7.5},
        {"type": "boolean"},
        {"enum": ["red", "green"]},
        {"const": {"kind": 1}},
        {"type": ["string", "null"]},
    ]
)


def _objects(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    closed = st.dictionaries(_NAMES, inner, min_size=1, max_size=3).map(
        lambda p: {"type": "object", "properties": p, "required": list(p), "additionalProperties": False}
    )
    arrays = inner.map(lambda one: {"type": "array", "items": one, "minItems": 1, "maxItems": 3})
    return st.one_of(closed, arrays)


_SCHEMAS = st.recursive(_LEAVES, _objects, max_leaves=6)


def whole(schema: dict[str, Any], seed: int) -> Any:
    return Conformer(schema, Random(seed), "hint").value()  # noqa: S311 - not for secrets


@pytest.mark.row("B6")
@given(schema=_SCHEMAS, seed=st.integers(0, 99))
def test_a_value_that_fits_has_no_violation(schema: dict[str, Any], seed: int) -> None:
    assert check_schema(schema) is None
    assert check(replied(json.dumps(whole(schema, seed))), Demands(contract=schema)) == ()


def _places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    return [path] + [place for key, one in inner if key != "kind" for place in _places(one, (*path, key))]


@pytest.mark.row("B6")
@given(schema=_SCHEMAS, seed=st.integers(0, 99), data=st.data())
def test_one_broken_field_is_named_and_no_other(schema: dict[str, Any], seed: int, data: st.DataObject) -> None:
    value = {"root": whole(schema, seed)}
    place = data.draw(st.sampled_from(_places(value)[1:]))
    holder: Any = value
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = [] if isinstance(holder[place[-1]], dict) else {"nothing": "fits"}
    contract = {"type": "object", "properties": {"root": schema}}
    (violation,) = check(replied(json.dumps(value)), Demands(contract=contract))
    assert violation.path == ".".join(map(str, place))


# Any keyword with any kind of operand that it may have.
_JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 3),
        st.sampled_from([1.0, 0.5, -0.0, 1e300]),
        st.text("ab", max_size=3),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "ab"]), inner, max_size=3),
    max_leaves=6,
)
_COUNTS, _NUMBERS = st.integers(0, 3), st.sampled_from([-1, 0, 0.5, 1, 2])
_KINDS = st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object"])


def _any_keywords(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    many = st.lists(inner, min_size=1, max_size=3)
    named = st.dictionaries(st.sampled_from(["a", "b", "ab"]), inner, max_size=2)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": _KINDS | st.lists(_KINDS, min_size=1, max_size=2, unique=True),
            "enum": st.lists(_JSON, min_size=1, max_size=3),
            "const": _JSON,
            "minimum": _NUMBERS,
            "exclusiveMaximum": _NUMBERS,
            "multipleOf": st.sampled_from([1, 2, 0.5]),
            "minLength": _COUNTS,
            "maxItems": _COUNTS,
            "pattern": st.sampled_from(["^a", "b$", "^(a|b)*$"]),
            "uniqueItems": st.booleans(),
            "items": inner,
            "prefixItems": many,
            "contains": inner,
            "minContains": _COUNTS,
            "properties": named,
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b"]), inner, max_size=2),
            "additionalProperties": inner,
            "propertyNames": inner,
            "required": st.lists(st.sampled_from(["a", "b"]), unique=True),
            "dependentRequired": st.just({"a": ["b"]}),
            "dependentSchemas": named,
            "allOf": many,
            "anyOf": many,
            "oneOf": many,
            "not": inner,
            "if": inner,
            "then": inner,
            "else": inner,
        },
    )


_ANY_SCHEMAS = st.recursive(st.booleans(), lambda inner: inner | _any_keywords(inner), max_leaves=8)


@settings(max_examples=200)
@given(schema=_ANY_SCHEMAS, value=_JSON)
def test_another_validator_says_the_same(schema: Any, value: Any) -> None:
    assert (not list(breaks(prepare(schema), value))) == Draft202012Validator(schema).is_valid(value)


# Neither schemas nor values: keywords with just anything behind them, and texts that are nearly JSON.
_KEYWORDS = ["type", "enum", "items", "properties", "$ref", "$id", "$defs", "pattern", "not", "anyOf", "required"]
_ODD_VALUES = [None, True, False, 0, -1, 1.5, float("nan"), float("inf"), "", "a", "string", "integer", "object"]
_ODD_WORDS = [
    "#",
    "#/$defs/a",
    "#/properties",
    "#/x/~2",
    "#/items/0",
    "#a",
    "https://a.com",
    "(?=a)",
    "[",
    "^a",
    "\ud800",
]
_OPERANDS = st.sampled_from([*_ODD_VALUES, *_ODD_WORDS])
_WRECKS = st.recursive(
    _OPERANDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*_KEYWORDS, "a"]), inner, max_size=3),
    max_leaves=6,
)
_TEXTS = st.text('{}[]",:01.eE-NaI\\u doc\ud800', max_size=40) | _JSON.map(json.dumps)


@settings(max_examples=100, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    schema=st.dictionaries(st.sampled_from(_KEYWORDS), _WRECKS, max_size=4), text=_TEXTS, citations=st.integers(0, 2)
)
def test_nothing_raises(schema: dict[str, Any], text: str, citations: int) -> None:
    before = copy.deepcopy(schema)
    demands = Demands(contract=schema, schema=schema, citations=citations, documents=frozenset(["d"]), grounded=True)
    found = check(replied(text), demands)
    assert found == check(replied(text), demands)
    assert len(found) <= MOST_VIOLATIONS
    assert all(one.message.isprintable() or "\n" not in one.message for one in found)
    assert repr(schema) == repr(before)
    assume(check_schema(schema) is None)
    try:
        prepare(schema)
    except Unusable as wrong:
        pytest.fail(f"nothing is wrong, and then {wrong}")
