"""JSON Schema as Gemini takes it.

Source: ``responseJsonSchema`` in https://ai.google.dev/api/generate-content. Keywords outside
this list are accepted and not enforced.
"""

from collections.abc import Mapping
from typing import Any

from signalbox.adapters.json_schemas import keywords, without_dialect
from signalbox.adapters.provider import unsupported
from signalbox.contracts.adapters import AdapterRequest

_ENFORCED = frozenset(
    [
        "$id",
        "$defs",
        "$ref",
        "$anchor",
        "type",
        "format",
        "title",
        "description",
        "enum",
        "items",
        "prefixItems",
        "minItems",
        "maxItems",
        "minimum",
        "maximum",
        "anyOf",
        "oneOf",
        "properties",
        "additionalProperties",
        "required",
        "propertyOrdering",
    ]
)
_SAYS_NOTHING = frozenset(["$schema", "$comment", "default", "examples", "deprecated", "readOnly", "writeOnly"])


def to_schema(
    request: AdapterRequest, parameter: str, schema: Mapping[str, Any], strict: bool | None
) -> dict[str, Any]:
    """``schema`` for the wire. Raises InvalidRequest when ``strict`` promises what is not enforced."""
    if strict:
        for path, keyword, _ in keywords(schema):
            if keyword not in _ENFORCED | _SAYS_NOTHING:
                raise unsupported(request, f"{parameter}.{path}", "strict is set, and the provider does not enforce it")
    return without_dialect(schema)
