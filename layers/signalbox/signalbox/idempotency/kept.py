"""An answer as it lies in its record: compressed, and in the bucket where it is too long for an item."""

import base64
import hashlib
import zlib
from typing import Any

from pydantic import ValidationError

from signalbox.contracts.answers import Answer
from signalbox.conversations.bodies import Bodies, body_key

# DynamoDB takes 400 KB an item; base64 makes four bytes of three.
MOST_BYTES = 250_000


class Damaged(Exception):
    """What was kept cannot be read any more."""


def packed(answer: Answer, ticket_id: str, bodies: Bodies) -> dict[str, Any]:
    """What to keep of ``answer``; JSON types only. Raises ``StoreUnavailable``."""
    body = zlib.compress(answer.model_dump_json().encode())
    if len(body) <= MOST_BYTES:
        return {"answer": base64.b64encode(body).decode()}
    bodies.put(key_of(ticket_id), body)
    return {"elsewhere": hashlib.sha256(body).hexdigest()}


def unpacked(kept: Any, ticket_id: str, bodies: Bodies) -> Answer:
    """The answer again. Raises ``Damaged``, ``StoreUnavailable``."""
    try:
        if "answer" in kept:
            body = base64.b64decode(kept["answer"])
        else:
            body = bodies.get(key_of(ticket_id)) or b""
            if hashlib.sha256(body).hexdigest() != kept["elsewhere"]:
                raise Damaged
        return Answer.model_validate_json(zlib.decompress(body))
    except (ValidationError, zlib.error, ValueError, KeyError, TypeError):
        raise Damaged from None


def key_of(ticket_id: str) -> str:
    """Where in the bucket the answer to a ticket lies; the caller first."""
    caller, _, rest = ticket_id.partition("#")
    return body_key(caller, "answers", rest)
