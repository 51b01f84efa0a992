"""Values as DynamoDB has them: the same on the wire as boto3's, and the same again when they come back."""

import math
from base64 import b64decode
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from signalbox.transport.attributes import from_wire, to_wire

MOST = 10**38 - 1
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
exact = st.one_of(st.none(), st.booleans(), st.integers(-MOST, MOST), names, st.binary(max_size=20))
values = st.recursive(
    exact, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=10
)
items = st.dictionaries(names, values, max_size=5)
decimals = st.decimals(allow_nan=False, allow_infinity=False)


def plain(value: Any) -> Any:
    """What boto3 reads, without its classes for numbers and bytes."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case dict():
            return {name: plain(one) for name, one in value.items()}
        case list():
            return [plain(one) for one in value]
    return value.value if hasattr(value, "value") else value


def without_base64(wire: dict[str, Any]) -> dict[str, Any]:
    """boto3 leaves the encoding of bytes to its client."""

    def one(value: dict[str, Any]) -> dict[str, Any]:
        ((kind, held),) = value.items()
        match kind:
            case "B":
                return {"B": b64decode(held)}
            case "M":
                return {"M": without_base64(held)}
            case "L":
                return {"L": [one(inner) for inner in held]}
        return value

    return {name: one(value) for name, value in wire.items()}


@given(items)
def test_on_the_wire_it_is_what_boto3_makes_of_it(item: dict[str, Any]) -> None:
    wire = without_base64(to_wire(item))
    assert wire == {name: TypeSerializer().serialize(value) for name, value in item.items()}
    assert plain({name: TypeDeserializer().deserialize(value) for name, value in wire.items()}) == item


@given(items)
def test_what_went_in_comes_out(item: dict[str, Any]) -> None:
    back = from_wire(to_wire(item))
    assert back == item
    assert repr(back) == repr(item)  # True is no 1


@given(decimals)
def test_a_number_is_taken_whenever_boto3_takes_it_and_never_rounded(number: Decimal) -> None:
    try:
        official = TypeSerializer().serialize(number)
    except ArithmeticError:
        with pytest.raises(ValueError, match="38 digits"):
            to_wire({"n": number})
    else:
        assert to_wire({"n": number}) == {"n": official}


@given(st.floats(min_value=1e-100, max_value=1e100) | st.floats(min_value=-1e100, max_value=-1e-100) | st.just(0.0))
def test_a_float_comes_back_to_the_last_bit(number: float) -> None:
    assert float(from_wire(to_wire({"n": number}))["n"]) == number  # a whole one as an int


@pytest.mark.parametrize(
    "number", [math.nan, math.inf, -math.inf, Decimal("NaN"), Decimal("-Infinity"), 10**38 + 1, 1e200]
)
def test_what_is_no_number_of_dynamodbs_is_refused(number: float | Decimal) -> None:
    with pytest.raises(ValueError, match="DynamoDB"):
        to_wire({"deep": {"n": [number]}})


@pytest.mark.parametrize("value", [{"a"}, frozenset([1]), object(), 1j])
def test_what_has_no_type_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="DynamoDB has no"):
        to_wire({"a": value})


def test_bytes_of_every_kind_are_binary_and_no_list() -> None:
    assert {str(to_wire({"b": kind(b"ab")})) for kind in (bytes, bytearray, memoryview)} == {"{'b': {'B': 'YWI='}}"}


@pytest.mark.parametrize(
    "held",
    [
        {"SS": ["a"]},
        {"N": "x"},
        {"N": None},
        {"B": 1},
        {"B": "a"},
        {},
        {"S": "a", "N": "1"},
        None,
        "S",
        {"M": 1},
        {"L": 1},
    ],
)
def test_what_is_not_written_here_is_not_read(held: Any) -> None:
    with pytest.raises(ValueError, match="attribute"):
        from_wire({"a": held})
