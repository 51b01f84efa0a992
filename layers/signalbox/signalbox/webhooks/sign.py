"""Signatures by which a receiver knows a webhook for ours, and for new.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac

PREFIX = "whsec_"


class BadSecret(Exception):
    """It is empty, or no base64 follows its prefix. The message has nothing of it."""


def sign(secret: str, id: str, timestamp_s: int, body: bytes) -> dict[str, str]:  # noqa: A002 the specification's name
    """The headers that go with ``body``. ``timestamp_s``: of this attempt, Unix; ``id`` has no dot, and is the same
    however often it is sent.

    ``secret``: base64, with ``whsec_`` before it or without, as the specification's libraries read it. Raises
    ``BadSecret``.
    """
    signed = b".".join((id.encode(), str(timestamp_s).encode(), body))
    signature = base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()
    return {"webhook-id": id, "webhook-timestamp": str(timestamp_s), "webhook-signature": f"v1,{signature}"}


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        raise BadSecret("the secret is not base64") from None
    if not key:
        raise BadSecret("the secret is empty")
    return key
