"""The headers that requests may carry and answers do, as OpenAPI describes them."""

from typing import Any

from pydantic import TypeAdapter

from signalbox.contracts.requests import ConversationId
from signalbox.idempotency.keys import LONGEST_KEY

Json = dict[str, Any]
CONVERSATION_ID = TypeAdapter(ConversationId).json_schema()
WHOLE, TEXT = {"type": "integer"}, {"type": "string"}
PRINTABLE = f"^[ -~]{{1,{LONGEST_KEY}}}$"


def _sent(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


def _told(description: str, schema: Json) -> Json:
    return {"description": description, "schema": schema}


CONVERSATION = _sent("x-conversation-id", CONVERSATION_ID, "The same as conversation_id; where both are, they agree")
ASKED = [
    _sent(
        "Idempotency-Key",
        TEXT | {"pattern": PRINTABLE},
        "However often a request comes with this key, a model is asked once and everybody gets its reply.",
    ),
    _sent("Cache-Control", TEXT, "no-store: do not keep the reply; no-cache and max-age=N: no older one"),
    CONVERSATION,
]

WAIT = {
    "name": "wait",
    "in": "query",
    "required": False,
    "description": "Seconds to wait for the final reply",
    "schema": {"type": "number", "minimum": 0, "maximum": 20, "default": 0},
}

_LIMITS = {
    f"x-ratelimit-{what}-{measure}": _told(f"{meaning} ({measure} a minute, the tightest limit)", schema)
    for measure in ("requests", "tokens")
    for what, meaning, schema in (
        ("limit", "As many may come", WHOLE),
        ("remaining", "As many may still come", WHOLE),
        ("reset", "Until the next minute begins, such as 8.64s", TEXT),
    )
}
_ROUTING = {
    "x-request-id": _told("This request; its decision is read by it", TEXT),
    "x-signalbox-route": _told("The route that decided", TEXT),
    "x-signalbox-role": _told("The role that it names; empty where it names a model", TEXT),
    "x-signalbox-model": _told("Roster id of the last model asked", TEXT),
    "x-signalbox-plan": _told("How models are asked", TEXT),
    "x-signalbox-policy": _told("The policy's version", TEXT),
    "x-signalbox-cost-microusd": _told("What the models were paid, in millionths of a US dollar", WHOLE),
}
REPLY = {
    **_ROUTING,
    **_LIMITS,
    "age": _told("Seconds; of a reply that was given before", WHOLE),
    "idempotent-replayed": _told("true: the reply of an earlier request with this Idempotency-Key", TEXT),
    "x-signalbox-cache": _told("hit: the reply of an earlier request that asked the same", TEXT),
}
ERROR = {
    "retry-after": _told("Seconds; on 409, 429 and 503", WHOLE),
    "retry-after-ms": _told("Milliseconds; on 409, 429 and 503", WHOLE),
    **_ROUTING,
    **_LIMITS,
}
FINAL = _ROUTING
PENDING = {name: ERROR[name] for name in ("retry-after", "retry-after-ms")} | _ROUTING
