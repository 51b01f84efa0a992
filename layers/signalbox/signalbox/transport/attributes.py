"""DynamoDB's attribute values: plain Python values as they travel, and back.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

import base64
from collections.abc import Mapping, Sequence
from decimal import Clamped, Context, Decimal, Inexact, Overflow, Rounded, Underflow
from typing import Any

Value = str | int | float | Decimal | bool | bytes | None | Sequence[Any] | Mapping[str, Any]
Item = Mapping[str, Value]

# What a number can be: 38 digits, from 1E-130 to 9.9…E+125. What has more is refused, never rounded.
_NUMBERS = Context(prec=38, Emin=-128, Emax=126, traps=[Clamped, Overflow, Inexact, Rounded, Underflow])


def to_wire(item: Item) -> dict[str, Any]:
    """``item`` as DynamoDB spells it, every value under its type.

    Raises ``TypeError`` and ``ValueError`` for what DynamoDB has not: sets of ours, NaN, numbers of 39 digits.
    """
    return {name: _typed(value) for name, value in item.items()}


def from_wire(item: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values again; numbers as int where they are whole, else as float.

    Raises ``ValueError`` for an item that is not as we write them.
    """
    return {name: _plain(value) for name, value in item.items()}


def _typed(value: Value) -> dict[str, Any]:
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | float() | Decimal():
            return {"N": _number(value)}
        case bytes() | bytearray() | memoryview():
            return {"B": base64.b64encode(value).decode()}
        case Mapping():
            return {"M": to_wire(value)}
        case Sequence():
            return {"L": [_typed(one) for one in value]}
    raise TypeError(f"DynamoDB has no {type(value).__name__}")


def _number(value: float | Decimal) -> str:
    try:
        number = _NUMBERS.create_decimal(str(value))  # a float as it is written, not every bit of it
    except ArithmeticError:
        raise ValueError("DynamoDB's numbers have 38 digits, up to 10^126") from None
    if not number.is_finite():
        raise ValueError("DynamoDB has neither NaN nor infinity")
    return str(number)


def _plain(value: Mapping[str, Any]) -> Any:
    try:
        ((kind, held),) = value.items()
        match kind:
            case "S" | "BOOL":
                return held
            case "N":
                number = Decimal(held)
                return int(number) if number == number.to_integral_value() else float(number)
            case "B":
                return base64.b64decode(held)
            case "NULL":
                return None
            case "M":
                return from_wire(held)
            case "L":
                return [_plain(one) for one in held]
    except (AttributeError, TypeError, ValueError, ArithmeticError):
        raise ValueError("not an attribute value") from None
    raise ValueError("an attribute of a type that is not written here")
