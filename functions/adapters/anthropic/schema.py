"""JSON Schemas as Anthropic's structured output wants them."""

from typing import Any

# Keywords that hold one schema, a list of them, or schemas by name.
_ONE = ("items",)
_MANY = ("anyOf", "allOf", "oneOf", "prefixItems")
_NAMED = ("properties", "$defs", "definitions")


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """``schema`` with ``additionalProperties: false`` on every object that leaves it open by silence.

    The API demands it. Whatever fits the closed schema fits the one that was asked for. Keywords
    that the API cannot enforce are left in: it names them in its refusal.
    """
    out = dict(schema)
    for keyword in _ONE:
        if isinstance(out.get(keyword), dict):
            out[keyword] = closed(out[keyword])
    for keyword in _MANY:
        if isinstance(out.get(keyword), list):
            out[keyword] = [closed(inner) if isinstance(inner, dict) else inner for inner in out[keyword]]
    for keyword in _NAMED:
        if isinstance(out.get(keyword), dict):
            out[keyword] = {
                name: closed(inner) if isinstance(inner, dict) else inner for name, inner in out[keyword].items()
            }
    kinds = out.get("type")
    if kinds == "object" or (isinstance(kinds, list) and "object" in kinds):
        out.setdefault("additionalProperties", False)
    return out
