"""The OpenAPI 3.1 document, generated from the dialects' own models.

``python -m workbench.openapi --write`` renews the package resource that ``GET /v1/openapi.json``
serves; ``--check`` exits 1 when it is out of date.
"""

import json
import tomllib
from typing import Any, Literal

from pydantic import Field, TypeAdapter
from pydantic.json_schema import JsonSchemaMode
from typing_extensions import TypedDict

from signalbox.contracts.decisions import Hop, Plan, Rejection
from signalbox.contracts.signals import TokenCount
from signalbox.dialects.errors import ErrorBody
from signalbox.dialects.native import InferBody, InferReply
from signalbox.dialects.openai_chat import ChatCompletionBody
from signalbox.dialects.openai_reply import ChatCompletion, ModelList
from signalbox.signals.variables import VARIABLES
from workbench.error_codes import ERROR_CODES, as_markdown
from workbench.paths import ROOT

FILE = ROOT / "layers/signalbox/signalbox/dialects/openapi.json"
Json = dict[str, Any]

# The types of ``signals`` as JSON Schema has them.
JSON_TYPES = {"int": "integer", "double": "number", "bool": "boolean", "string": "string"}


class RouteChatCompletionBody(ChatCompletionBody):
    """OpenAI's body, and the path whose routes decide."""

    path: str | None = Field(default=None, pattern="^/")


class RouteInferBody(InferBody):
    """The native body, and the path whose routes decide."""

    path: str | None = Field(default=None, pattern="^/")


class DecisionReply(TypedDict):
    """What would answer, what would not, and why. Money in micro-dollars."""

    route: str
    role: str | None
    model: str | None
    provider_model: str | None
    plan: Plan
    pinned: bool
    deadline_ms: int
    hops: list[Hop]
    rejected: list[Rejection]
    reasons: list[str]
    signals: dict[str, Any]
    policy_version: str


class Health(TypedDict):
    status: Literal["ok"]
    policy_version: str
    models: int


SCHEMAS: list[tuple[Any, JsonSchemaMode]] = [
    (ChatCompletionBody, "validation"),
    (InferBody, "validation"),
    (RouteChatCompletionBody, "validation"),
    (RouteInferBody, "validation"),
    (ChatCompletion, "serialization"),
    (InferReply, "serialization"),
    (ModelList, "serialization"),
    (DecisionReply, "serialization"),
    (Health, "serialization"),
    (ErrorBody, "serialization"),
]


def document() -> Json:
    """The whole document, with nothing in it that changes from run to run."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Signalbox",
            "version": _version(),
            "description": "Routes each request to the cheapest model that answers it well enough.\n\n"
            "Errors have one shape; their codes:\n\n" + as_markdown(),
        },
        "servers": [{"url": "/api"}],
        "security": [{"bearer": []}, {"key": []}],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "responses": {"Error": _error_response()},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A Signalbox key (sb_...) or a JWT."},
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    }


def _schemas() -> Json:
    inputs = [(one, mode, TypeAdapter(one)) for one, mode in SCHEMAS]
    _, definitions = TypeAdapter.json_schemas(inputs, ref_template="#/components/schemas/{model}")
    found: Json = definitions["$defs"]
    found["ErrorDetail"]["properties"]["code"]["enum"] = list(ERROR_CODES)
    found["DecisionReply"]["properties"]["signals"] = _signals()
    return found


def _signals() -> Json:
    """What is known of the request, under the names that matchers use; ``tokens`` with its bounds."""
    properties: Json = {name: {"type": JSON_TYPES[kind]} for name, kind in VARIABLES.items()}
    tokens = TypeAdapter(TokenCount).json_schema(mode="serialization")
    return {"type": "object", "properties": properties | {"tokens": tokens}, "required": [*properties, "tokens"]}


def _version() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def _paths() -> Json:
    chat = _operation("Answer a conversation, in OpenAI's shape", "createChatCompletion", "ChatCompletion")
    chat["requestBody"] = _body(_ref("ChatCompletionBody"))
    chat["responses"]["200"]["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    return {
        "/v1/chat/completions": {"post": chat},
        "/v1/models": {"get": _operation("Every value that model may have", "listModels", "ModelList")},
        "/v1/infer": {"post": _native("Answer one request, in the native shape", "infer")},
        "/v1/chat": {"post": _native("The same for chat, which policies route by this path", "chat")},
        "/v1/route": {"post": _route()},
        "/v1/health": {"get": _open("Whether the router is up", "health", _ref("Health"))},
        "/v1/openapi.json": {"get": _open("This document", "openapi", {"type": "object"})},
    }


def _native(summary: str, name: str) -> Json:
    return _operation(summary, name, "InferReply") | {"requestBody": _body(_ref("InferBody"))}


def _route() -> Json:
    operation = _operation("Decide, and call no model", "route", "DecisionReply")
    operation["description"] = "Takes either body: one with `messages` is OpenAI's."
    return operation | {"requestBody": _body({"anyOf": [_ref("RouteChatCompletionBody"), _ref("RouteInferBody")]})}


def _open(summary: str, name: str, schema: Json) -> Json:
    return {
        "summary": summary,
        "operationId": name,
        "security": [],
        "responses": {"200": _json("The answer", schema), "default": _ref("Error", "responses")},
    }


def _operation(summary: str, name: str, reply: str) -> Json:
    operation = _open(summary, name, _ref(reply))
    del operation["security"]
    return operation


def _error_response() -> Json:
    return _json("What went wrong, in OpenAI's shape", _ref("ErrorBody")) | {
        "headers": {
            "retry-after": {"description": "Seconds; on 429 and 503", "schema": {"type": "integer"}},
            "retry-after-ms": {"description": "Milliseconds; on 429 and 503", "schema": {"type": "integer"}},
        }
    }


def _body(schema: Json) -> Json:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _json(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _ref(name: str, kind: str = "schemas") -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def text() -> str:
    """The file's exact text."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"
