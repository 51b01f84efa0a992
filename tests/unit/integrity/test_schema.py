"""Anybody's schema: what cannot be checked is said, and none of it takes the service down."""

from typing import Any

import pytest

from signalbox.integrity.fields import breaks
from signalbox.integrity.schema import Unusable, check_schema, prepare

LOOKAHEAD = "^(?!\\.)a"


@pytest.mark.parametrize(
    ("schema", "wrong"),
    [
        ({"type": "integr"}, "`type` must be"),
        ({"properties": []}, "`properties` must be"),
        ({"properties": {"a": {"minimum": "1"}}}, "`minimum` must be a number"),
        ({"exclusiveMinimum": True}, "`exclusiveMinimum` must be a number"),
        ({"minimum": float("nan")}, "`minimum` must be a number"),
        ({"minLength": -1}, "`minLength` must be a count"),
        ({"required": "a"}, "`required` must be a list of names"),
        ({"anyOf": []}, "`anyOf` must be"),
        ({"multipleOf": 0}, "`multipleOf` must be a number above 0"),
        ({"multipleOf": 10**5_000}, "`multipleOf` must be a number above 0"),
        ({1: {}}, "a keyword that is not a string"),
        ({"$ref": "https://example.com/s.json"}, "nothing is fetched"),
        ({"$ref": "file:///etc/passwd"}, "nothing is fetched"),
        ({"$ref": "#/$defs/gone"}, "leads nowhere"),
        ({"$ref": "#"}, "never ends"),
        ({"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"}, "never ends"),
        ({"pattern": LOOKAHEAD}, "cannot be run"),
        ({"pattern": "["}, "cannot be run"),
        ({"pattern": "(((a{1000}){1000}){1000})"}, "cannot be run"),
        ({"unevaluatedProperties": False}, "`unevaluatedProperties` is not checked"),
        ({"properties": {"a": {"$id": "https://example.com/a"}}}, "`$id` inside the schema"),
    ],
)
def test_what_is_wrong_with_a_schema_is_said(schema: dict[str, Any], wrong: str) -> None:
    found = check_schema(schema)
    assert found is not None
    assert wrong in found


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "x", "x-ours": {"type": 7}},
        {"$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}}}, "$ref": "#/$defs/node"},
        {"properties": {"type": {"type": "string"}, "$ref": {}, "$id": {}}},
        {"enum": [{"$ref": "https://example.com"}]},
        {"definitions": {"a~/b": {}}, "allOf": [{"$ref": "#/definitions/a~0~1b"}]},
        {"$id": "https://example.com/s", "$defs": {"a": {}}, "$ref": "https://example.com/s#/$defs/a"},
        {"$defs": {"a": {"$anchor": "here"}}, "$ref": "#here"},
    ],
)
def test_a_schema_that_can_be_checked_has_nothing_wrong(schema: dict[str, Any]) -> None:
    assert check_schema(schema) is None


def test_a_schema_too_deep_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(5_000):
        schema = {"items": schema}
    assert check_schema(schema) == "nested more than 64 levels deep"


def test_a_recursive_schema_goes_as_deep_as_the_value() -> None:
    prepared = prepare({"properties": {"next": {"$ref": "#"}, "n": {"type": "integer"}}})
    assert not list(breaks(prepared, {"next": {"next": {"n": 1}}}))
    assert [one.path for one in breaks(prepared, {"next": {"next": {"n": "x"}}})] == [("next", "next", "n")]


def test_a_gap_lets_pass_and_the_rest_is_checked() -> None:
    prepared = prepare({"properties": {"mail": {"type": "string", "pattern": LOOKAHEAD}}})
    assert not list(breaks(prepared, {"mail": ".a"}))
    assert [one.path for one in breaks(prepared, {"mail": 5})] == [("mail",)]


@pytest.mark.parametrize("keyword", ["not", "if", "oneOf", "contains"])
def test_a_gap_is_not_left_out_where_that_would_break_a_whole_value(keyword: str) -> None:
    inner = {"properties": {"a": {"pattern": LOOKAHEAD}}}
    with pytest.raises(Unusable):
        prepare({keyword: [inner] if keyword == "oneOf" else inner})


def test_a_gap_behind_a_reference_is_seen_from_both_sides() -> None:
    schema = {"$defs": {"a": {"pattern": LOOKAHEAD}}, "allOf": [{"$ref": "#/$defs/a"}, {"not": {"$ref": "#/$defs/a"}}]}
    with pytest.raises(Unusable):
        prepare(schema)


def doubling(levels: int) -> dict[str, Any]:
    """A schema that applies ``2 ** levels`` schemas to a value."""
    steps: dict[str, Any] = {f"s{n}": {"allOf": [{"$ref": f"#/$defs/s{n + 1}"}] * 2} for n in range(levels)}
    return {"$defs": {**steps, f"s{levels}": {"type": "string"}}, "$ref": "#/$defs/s0"}


def test_work_is_counted_and_ends() -> None:
    assert check_schema(doubling(18)) is None
    assert not list(breaks(prepare(doubling(8)), "x", steps=5_000))
    with pytest.raises(Unusable):
        list(breaks(prepare(doubling(18)), "x", steps=5_000))


def test_a_pattern_pays_for_its_weight_and_the_texts_length() -> None:
    heavy = prepare({"pattern": "(.{0,30}){0,30}y"})
    assert list(breaks(heavy, "x" * 10, steps=10_000))
    with pytest.raises(Unusable):
        list(breaks(heavy, "x" * 1_000, steps=10_000))


def test_work_for_a_value_grows_with_its_length_alone() -> None:
    prepared = prepare({"items": {"type": "object", "properties": {"a": {"enum": [1, 2]}}}, "uniqueItems": True})

    def fits(items: int, steps: int) -> bool:
        try:
            return not list(breaks(prepared, [{"a": 1, "b": n} for n in range(items)], steps))
        except Unusable:
            return False

    assert fits(100, 10 * 100)
    assert fits(10_000, 10 * 10_000)
    assert not fits(10_000, 10_000)


def test_going_too_deep_is_not_a_crash() -> None:
    chain: dict[str, Any] = {f"s{n}": {"$ref": f"#/$defs/s{n + 1}"} for n in range(10)}
    schema = {"$defs": {**chain, "s10": {"items": {"$ref": "#/$defs/s0"}}}, "$ref": "#/$defs/s0"}
    value: Any = 1
    for _ in range(60):
        value = [value]
    with pytest.raises(Unusable):
        list(breaks(prepare(schema), value))


def test_what_is_told_of_a_break_is_work_too() -> None:
    """Also where an alternative breaks and nobody is told."""
    prepared = prepare({"anyOf": [*[{"enum": [[n] for n in range(8)]}] * 100, {}]})
    assert not list(breaks(prepared, 9, steps=20_000))
    with pytest.raises(Unusable):
        list(breaks(prepared, 9, steps=5_000))


def test_all_patterns_of_a_schema_are_weighed_together() -> None:
    def patterns(count: int) -> dict[str, Any]:
        return {"allOf": [{"pattern": f"{n}.{{0,400}}"} for n in range(count)]}

    assert check_schema(patterns(4)) is None
    assert "cannot be run" in str(check_schema(patterns(6)))


@pytest.mark.parametrize(
    ("schema", "value", "fits"),
    [
        ({"enum": [1]}, 1.0, True),
        ({"enum": [1]}, True, False),
        ({"const": [0]}, [False], False),
        ({"const": {"a": [1]}}, {"a": [1.0]}, True),
        ({"uniqueItems": True}, [1, True, "1", None, [1], {"a": 1}], True),
        ({"uniqueItems": True}, [{"a": 1, "b": 2}, {"b": 2, "a": 1.0}], False),
        ({"multipleOf": 0.1}, 0.3, True),
        ({"multipleOf": 0.01}, 19.99, True),
        ({"multipleOf": 0.1}, 0.35, False),
        ({"maximum": 10**40}, 10**40 + 1, False),
    ],
)
def test_numbers_and_values_are_compared_as_written(schema: dict[str, Any], value: Any, fits: bool) -> None:
    assert (not list(breaks(prepare(schema), value))) is fits
