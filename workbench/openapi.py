"""The OpenAPI 3.1 document, generated from the dialects' own models.

``signalbox openapi --write`` renews the package resource that ``GET /v1/openapi.json`` serves.
"""

import json
import tomllib
from typing import Any

from pydantic import Field, TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from signalbox.contracts.signals import TokenCount
from signalbox.dialects.errors import ErrorBody
from signalbox.dialects.metrics import MetricsBody
from signalbox.dialects.native import InferBody, InferReply
from signalbox.dialects.openai_chat import ChatCompletionBody
from signalbox.dialects.openai_reply import ChatCompletion, ModelEntry, ModelList
from signalbox.dialects.replies import ReplyRecord
from signalbox.signals.variables import TAG_VARIABLES, VARIABLES
from workbench import openapi_shapes as shapes
from workbench.error_codes import ERROR_CODES, as_markdown
from workbench.openapi_headers import ASKED, CONVERSATION, CONVERSATION_ID, ERROR, FINAL, PENDING, REPLY, WAIT
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


SCHEMAS: list[tuple[Any, JsonSchemaMode]] = [
    (ChatCompletionBody, "validation"),
    (InferBody, "validation"),
    (MetricsBody, "validation"),
    (RouteChatCompletionBody, "validation"),
    (RouteInferBody, "validation"),
    (ChatCompletion, "serialization"),
    (InferReply, "serialization"),
    (ModelList, "serialization"),
    (ModelEntry, "serialization"),
    (shapes.RoutingFacts, "serialization"),
    (shapes.DecisionReply, "serialization"),
    (shapes.DecisionRecord, "serialization"),
    (ReplyRecord, "serialization"),
    (shapes.Conversation, "serialization"),
    (shapes.ConversationDeleted, "serialization"),
    (shapes.MetricsReply, "serialization"),
    (shapes.Health, "serialization"),
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
    for reply in ("ChatCompletion", "InferReply"):
        found[reply]["properties"]["signalbox"] = _ref("RoutingFacts")
    return found


def _signals() -> Json:
    """What is known of the request, under the names that matchers use; ``tokens`` with its bounds."""
    properties: Json = {name: {"type": JSON_TYPES[kind]} for name, kind in VARIABLES.items()}
    tokens = TypeAdapter(TokenCount).json_schema(mode="serialization")
    # What the tagger says is there under policies that ask for it.
    required = [name for name in properties if name not in TAG_VARIABLES]
    return {"type": "object", "properties": properties | {"tokens": tokens}, "required": [*required, "tokens"]}


def _version() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def _paths() -> Json:
    return {
        "/v1/chat/completions": {"post": _chat()},
        "/v1/models": {"get": _operation("Every value that model may have", "listModels", "ModelList")},
        "/v1/models/{model}": {
            "parameters": [_in_path("model", {"type": "string"}, "auto, a role or a roster id")],
            "get": _operation("One of them", "retrieveModel", "ModelEntry"),
        },
        "/v1/infer": {"post": _native("Answer one request, in the native shape", "infer")},
        "/v1/chat": {"post": _native("The same for chat, which policies route by this path", "chat")},
        "/v1/route": {"post": _route()},
        "/v1/decisions/{id}": {
            "parameters": [_in_path("id", {"type": "string"}, "The request_id of a reply, or its x-request-id")],
            "get": _operation(
                "What was decided for a request of yours, and what it cost", "decision", "DecisionRecord"
            ),
        },
        "/v1/replies/{id}": {
            "parameters": [_in_path("id", {"type": "string"}, "The request_id of a preliminary reply")],
            "get": _reply(),
        },
        "/v1/conversations/{id}": {
            "parameters": [_in_path("id", CONVERSATION_ID, "Your own name for it")],
            "get": _operation("What is stored of a conversation, without its words", "conversation", "Conversation"),
            "delete": _operation(
                "Erase a conversation: turns, bodies and kept answers", "eraseConversation", "ConversationDeleted"
            ),
        },
        "/v1/metrics": {"post": _metrics()},
        "/v1/health": {"get": _open("Which models may be asked now", "health", _ref("Health"))},
        "/v1/openapi.json": {"get": _open("This document", "openapi", {"type": "object"})},
    }


def _chat() -> Json:
    operation = _answering("Answer a conversation, in OpenAI's shape", "createChatCompletion", "ChatCompletion")
    operation["responses"]["200"]["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    return operation | {"requestBody": _body(_ref("ChatCompletionBody"))}


def _native(summary: str, name: str) -> Json:
    return _answering(summary, name, "InferReply") | {"requestBody": _body(_ref("InferBody"))}


def _answering(summary: str, name: str, reply: str) -> Json:
    """An operation that asks a model."""
    operation = _operation(summary, name, reply) | {"parameters": ASKED}
    operation["responses"]["200"]["headers"] = REPLY
    return operation


def _metrics() -> Json:
    operation = _operation("What a call of a model costs and how long it takes", "metrics", "MetricsReply")
    return operation | {"requestBody": _body(_ref("MetricsBody"))}


def _reply() -> Json:
    operation = _operation("The final reply of a request of yours, once there is one", "reply", "ReplyRecord")
    pending = _json("Not yet: ask again", _ref("ReplyRecord"))
    operation["responses"] = {
        "200": operation["responses"]["200"] | {"headers": FINAL},
        "202": pending | {"headers": PENDING},
        "default": operation["responses"]["default"],
    }
    return operation | {"parameters": [WAIT]}


def _route() -> Json:
    operation = _operation("Decide, and call no model", "route", "DecisionReply")
    operation["description"] = "Takes either body: one with `messages` is OpenAI's."
    operation["parameters"] = [CONVERSATION]
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
    return _json("What went wrong, in OpenAI's shape", _ref("ErrorBody")) | {"headers": ERROR}


def _in_path(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _body(schema: Json) -> Json:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _json(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _ref(name: str, kind: str = "schemas") -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def text() -> str:
    """The file's exact text."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"
