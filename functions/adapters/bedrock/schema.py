"""JSON Schema as Bedrock's structured outputs take it.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html.
"""

from collections.abc import Mapping
from typing import Any

from signalbox.adapters.json_schemas import closed, keywords, without_dialect
from signalbox.adapters.provider import unsupported
from signalbox.contracts.adapters import AdapterRequest

_UNSUPPORTED = frozenset(
    ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength"]
)


def constrained(request: AdapterRequest, parameter: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """``schema`` for the wire, where the answer is held to it: objects are closed, as they must be.

    Raises InvalidRequest by keyword.
    """
    for path, keyword, value in keywords(schema):
        if keyword in _UNSUPPORTED:
            raise unsupported(request, f"{parameter}.{path}", "structured outputs do not support it")
        if keyword == "additionalProperties" and value is not False:
            raise unsupported(request, f"{parameter}.{path}", "structured outputs require it to be false")
        if keyword == "$ref" and not str(value).startswith("#"):
            raise unsupported(request, f"{parameter}.{path}", "structured outputs follow no reference to elsewhere")
    return closed(without_dialect(schema))
