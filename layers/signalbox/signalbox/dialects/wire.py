"""What the bodies of both dialects are made of: strict models, and fields that are refused by name."""

import json
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from signalbox.dialects.errors import from_validation


class Wire(BaseModel):
    """JSON as sent: no field that nobody declared, no value of a near type. Built when first used."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True, hide_input_in_errors=True)


Model = TypeVar("Model", bound=Wire)


def validated(model: type[Model], body: Any, prefix: str = "") -> Model:
    """``body`` as ``model``. Raises ``BadRequest`` with a code and a param; ``prefix`` says where it sits."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise from_validation(error, body, prefix) from None


def _refuse(value: Any) -> None:
    if value is not None:
        raise PydanticCustomError("unsupported_parameter", "This parameter is not supported.")


# A parameter that exists but cannot be honoured: taken as null, refused by name otherwise.
Refused = Annotated[None, BeforeValidator(_refuse), Field(default=None, description="Not supported; refused.")]


def only(*allowed: Any) -> BeforeValidator:
    """For a parameter of which only the values that change nothing can be honoured."""
    shown = " or ".join(json.dumps(value) for value in allowed)

    def check(value: Any) -> Any:
        # By type too: True equals 1.
        if value is None or any(type(value) is type(one) and value == one for one in allowed):
            return value
        raise PydanticCustomError("unsupported_parameter", "Only {shown} is supported.", {"shown": shown})

    return BeforeValidator(check)


def refuse_types(code: str, *names: str) -> BeforeValidator:
    """Refuses, by name, an object whose ``type`` is one of ``names``."""

    def check(value: Any) -> Any:
        kind = value.get("type") if isinstance(value, dict) else None
        if isinstance(kind, str) and kind in names:
            raise PydanticCustomError(code, "{kind} is not supported here.", {"kind": kind})
        return value

    return BeforeValidator(check)


def text_or(other: str) -> Callable[[Any], str]:
    """Tells a union of a string and one other form apart: ``<text>``, else the tag ``other``."""
    return lambda value: "<text>" if isinstance(value, str) else other
