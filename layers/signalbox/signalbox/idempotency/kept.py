"""An answer as it lies in its record: compressed, and in the bucket where it is too long for an item."""

import base64
import json
import secrets
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
    # A place of its own: whoever has lost the record meanwhile must not write over the winner's answer.
    place = secrets.token_hex(16)
    bodies.put(_key(ticket_id, place), body)
    return {"elsewhere": place}


def unpacked(kept: Any, ticket_id: str, bodies: Bodies) -> Answer:
    """The answer again. Raises ``Damaged``, ``StoreUnavailable``."""
    try:
        if "answer" in kept:
            body = base64.b64decode(kept["answer"])
        else:
            body = bodies.get(_key(ticket_id, kept["elsewhere"])) or b""
        return Answer.model_validate_json(zlib.decompress(body))
    except (ValidationError, zlib.error, ValueError, KeyError, TypeError):
        raise Damaged from None


def drop(data: Any, ticket_id: str, bodies: Bodies) -> None:
    """Erase what a record's ``data`` has in the bucket, if anything. Raises ``StoreUnavailable``."""
    try:
        place = json.loads(data)["elsewhere"]
    except (ValueError, KeyError, TypeError):
        return
    if isinstance(place, str):
        bodies.delete(_key(ticket_id, place))


def _key(ticket_id: str, place: str) -> str:
    """Where in the bucket an answer to a ticket lies; the caller first."""
    caller, _, rest = ticket_id.partition("#")
    return body_key(caller, "answers", rest, place)
