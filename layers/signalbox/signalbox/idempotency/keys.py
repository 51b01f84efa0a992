"""A caller's own idempotency key, and what it was used for. Pure."""

import hashlib
import json

from signalbox.contracts.errors import BadRequest
from signalbox.contracts.requests import InferenceRequest

LONGEST_KEY = 255


def idempotency_key(header: str | None) -> str | None:
    """The ``Idempotency-Key`` header: 1 to 255 printable ASCII characters, None without it. Raises ``BadRequest``."""
    if header is None:
        return None
    key = header.strip(" \t")
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        told = f"An idempotency key is 1 to {LONGEST_KEY} printable ASCII characters."
        raise BadRequest("invalid_idempotency_key", told, param="Idempotency-Key")
    return key


def fingerprint(request: InferenceRequest) -> str:
    """Of everything that was asked (hex), whatever id the request was given and whatever key it came with.

    The order of an object's names is none of it: many clients write another one each time.
    """
    asked = request.model_dump(mode="json", exclude={"request_id", "key_id", "tier", "snapshot", "recent"})
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
