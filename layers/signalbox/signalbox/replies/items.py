"""The items of one reply: ``head``, ``job``, ``begun#…``, ``result#…``, ``conclusion``, and a ``body#…`` for each
value that lies in the bucket.

Values are compressed JSON. One too long for an item is in the bucket under its own hash, so that two who race to
write the same item never write over each other's words.
"""

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from signalbox.contracts.model import Contract
from signalbox.contracts.plans import StepResult
from signalbox.conversations.bodies import Bodies, body_key
from signalbox.transport.dynamodb import Item, StoreUnavailable

HEAD, JOB, CONCLUSION = "head", "job", "conclusion"
BEGUN, RESULT, BODY = "begun#", "result#", "body#"
# DynamoDB takes 400 KB an item.
MOST_ITEM_BYTES = 350_000

Kept = TypeVar("Kept", bound=Contract)


class Erased(Exception):
    """The body of an item is gone: everything of this reply is being erased."""


@dataclass(frozen=True)
class Place:
    """Where everything of one reply is. Both names begin with the caller; ids of ours have no ``#``."""

    caller: str
    request_id: str

    @property
    def reply(self) -> str:
        return f"{self.caller}#{self.request_id}"

    def key(self, item: str) -> Item:
        return {"reply": self.reply, "item": item}

    def body_key(self, digest: str) -> str:
        return body_key(self.caller, "replies", self.request_id, digest)


@dataclass(frozen=True)
class Packed:
    """A value as it is kept: in its item, or in the bucket under ``digest``."""

    body: bytes
    digest: str | None

    @property
    def attributes(self) -> dict[str, Any]:
        return {"value": self.body} if self.digest is None else {"elsewhere": self.digest}


def packed(value: Contract) -> Packed:
    body = zlib.compress(value.model_dump_json().encode())
    return Packed(body, hashlib.sha256(body).hexdigest() if len(body) > MOST_ITEM_BYTES else None)


def unpacked(item: Mapping[str, Any], kind: type[Kept], place: Place, bodies: Bodies) -> Kept:
    """The value again. Raises ``Erased``, ``StoreUnavailable``."""
    body = item["value"] if "value" in item else bodies.get(place.body_key(item["elsewhere"]))
    if body is None:
        raise Erased
    try:
        return kind.model_validate_json(zlib.decompress(body))
    except (ValidationError, zlib.error):
        # The cause is cut off: it quotes what was written.
        raise StoreUnavailable("an item is not as it was written") from None


def result_item(result: StepResult) -> str:
    return f"{RESULT}{result.step}-{result.ordinal}"
