"""Values drawn for a JSON Schema conform to it, whatever the schema."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from workbench.simulator.schema import Conformer, UnsupportedSchema

_NAMES = st.sampled_from(["label", "confidence", "summary", "amount", "tags", "id"])
_STRINGS = st.fixed_dictionaries(
    {"type": st.just("string")},
    optional={"minLength": st.integers(0, 30), "maxLength": st.integers(30, 60)},
)
_ENUMS = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4, unique=True).map(
    lambda names: {"enum": names}
)
_INTEGERS = st.tuples(st.integers(-50, 50), st.integers(0, 100), st.integers(1, 3)).map(
    lambda n: {"type": "integer", "minimum": n[0], "maximum": n[0] + n[1] + n[2], "multipleOf": n[2]}
)
_NUMBERS = st.one_of(
    st.floats(-100, 100).map(lambda low: {"type": "number", "minimum": low}),
    st.floats(-100, 100).map(lambda high: {"type": "number", "maximum": high}),
    st.floats(-100, 100).map(lambda low: {"type": "number", "exclusiveMinimum": low, "exclusiveMaximum": low + 1}),
)
_SIMPLE = st.one_of(
    _STRINGS,
    _ENUMS,
    _INTEGERS,
    _NUMBERS,
    st.just({"type": "boolean"}),
    st.just({"type": ["string", "null"]}),
    st.just({"const": {"kind": 1}}),
)


def _compound(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    properties = st.dictionaries(_NAMES, inner, max_size=4)
    closed = properties.map(
        lambda p: {"type": "object", "properties": p, "required": list(p), "additionalProperties": False}
    )
    open_ = properties.map(lambda p: {"type": "object", "properties": p, "required": ["extra"], "minProperties": 2})
    arrays = st.tuples(inner, st.integers(0, 3), st.integers(3, 5)).map(
        lambda a: {"type": "array", "items": a[0], "minItems": a[1], "maxItems": a[2]}
    )
    choices = st.lists(inner, min_size=1, max_size=3).map(lambda options: {"anyOf": options})
    return st.one_of(closed, open_, arrays, choices)


_SCHEMAS = st.recursive(_SIMPLE, _compound, max_leaves=8)


def dice(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - not for secrets


@given(schema=_SCHEMAS, seed=st.integers(0, 99), hint=st.text(max_size=40))
@settings(max_examples=300, deadline=None)
def test_every_value_conforms(schema: dict[str, Any], seed: int, hint: str) -> None:
    value = Conformer(schema, dice(seed), hint).value()
    Draft202012Validator(schema).validate(value)


def test_the_same_dice_draw_the_same_value() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 0, "maximum": 10**9}}}
    assert Conformer(schema, dice(7)).value() == Conformer(schema, dice(7)).value()
    assert Conformer(schema, dice(7)).value() != Conformer(schema, dice(8)).value()


def test_a_label_that_the_text_mentions_is_chosen() -> None:
    schema = {"properties": {"intent": {"enum": ["book_flight", "cancel", "refund"]}}}
    for seed in range(5):
        assert Conformer(schema, dice(seed), "I want a REFUND now").value() == {"intent": "refund"}
        assert Conformer(schema, dice(seed), "please book flight").value() == {"intent": "book_flight"}


def test_references_and_recursion_end() -> None:
    node = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
        "required": ["name", "next"],
        "additionalProperties": False,
    }
    schema = {"$ref": "#/$defs/node", "$defs": {"node": node}}
    Draft202012Validator(schema).validate(Conformer(schema, dice(0)).value())


def test_all_of_adds_up() -> None:
    one = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a", "x"]}
    other = {"properties": {"b": {"type": "boolean"}}, "required": ["b"]}
    schema = {"allOf": [one, other]}
    Draft202012Validator(schema).validate(Conformer(schema, dice(0)).value())


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "^[0-9]{9}$"},
        {"$ref": "https://example.com/schema"},
        {"$ref": "#/$defs/missing"},
        {"$ref": "#"},
        {"enum": []},
        {"type": "integer", "minimum": 5, "maximum": 4},
        {"type": "array", "items": {"enum": ["a"]}, "minItems": 2, "uniqueItems": True},
        {"properties": ["not", "a", "mapping"]},
        {"type": "object", "properties": {"a": False}, "required": ["a"]},
    ],
)
def test_what_it_cannot_draw_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedSchema):
        Conformer(schema, dice(0)).value()
