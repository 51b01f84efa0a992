"""JSON by schema: ``outputConfig`` where the model has it; Nova takes a tool that it must call.

Sources: https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html and
https://docs.aws.amazon.com/nova/latest/userguide/concept-chapter-servicename.html.
"""

import json
import re
from typing import Any

from adapters.bedrock.schema import constrained
from signalbox.adapters.json_schemas import without_dialect
from signalbox.adapters.provider import unsupported
from signalbox.contracts.adapters import AdapterRequest

Json = dict[str, Any]

_BY_TOOL = re.compile(r"\bamazon\.nova")
_SCHEMA = "response_format.json_schema.schema"


def by_tool(request: AdapterRequest) -> bool:
    """Whether the answer comes as the input of a tool call."""
    return request.response_format.type == "json_schema" and bool(_BY_TOOL.search(request.provider_model))


def as_tool_config(request: AdapterRequest) -> Json:
    """The one tool whose input is the answer, and the choice that demands it."""
    if request.tools:
        raise unsupported(request, "response_format", "beside tools this model cannot be held to a schema")
    schema = without_dialect(request.response_format.schema_ or {})
    if schema.get("type") != "object":
        raise unsupported(request, f"{_SCHEMA}.type", "this model answers with an object")
    name = re.sub(r"[^a-zA-Z0-9_-]", "_", request.response_format.name or "answer")[:64]
    spec = {"name": name, "description": "Gives the answer", "inputSchema": {"json": schema}}
    return {"tools": [{"toolSpec": spec}], "toolChoice": {"tool": {"name": name}}}


def as_output_config(request: AdapterRequest) -> Json | None:
    """The schema as Bedrock's own output format; None when no JSON is asked for."""
    form = request.response_format
    if form.type == "text":
        return None
    if form.schema_ is None:
        raise unsupported(request, "response_format", "Converse has JSON output by schema only, so give a json_schema")
    schema = constrained(request, _SCHEMA, form.schema_)
    definition: Json = {"schema": json.dumps(schema, ensure_ascii=False)}
    if form.name:
        definition["name"] = form.name
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": definition}}}
