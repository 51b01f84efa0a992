"""A signed call of an AWS service that speaks JSON: the operation in a header, its arguments in the body.

Source: https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from signalbox.transport.exchange import Answer, post
from signalbox.transport.sigv4 import Keys, signed

# A namespace may come before a code, an address after it: com.amazonaws.dynamodb.v20120810#ThrottlingException
_CODE = re.compile(r"(?:[\w.]+#)?(\w+)(?::.*)?")


@dataclass(frozen=True)
class JsonService:
    """``name`` is what calls are signed for, ``target`` what comes before an operation, ``version`` JSON's."""

    name: str
    target: str
    version: str
    connect_limit_ms: int

    def call(
        self, operation: str, body: bytes, *, url: str, region: str, keys: Keys, client: httpx.Client, ends_at: float
    ) -> Answer:
        """The service's answer, of whatever status. Raises what ``post`` raises."""
        headers = {
            "Content-Type": f"application/x-amz-json-{self.version}",
            "X-Amz-Target": f"{self.target}.{operation}",
        }
        url, now = url.rstrip("/") + "/", datetime.now(UTC)
        proven = signed(url, headers, body, service=self.name, region=region, keys=keys, now=now)
        # Not signed, as what lies between may rewrite it. DynamoDB's checksum is of the bytes that travel.
        proven["Accept-Encoding"] = "identity"
        return post(client, url, proven, body, ends_at, self.connect_limit_ms)


def json_object(body: bytes) -> dict[str, Any] | None:
    """None for what is no JSON object."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def error_code(answer: Answer) -> str:
    """The error's code, else ``status`` and its number; empty for success. Its message may quote the request."""
    if answer.status == 200:
        return ""
    told = json_object(answer.body) or {}
    found = _CODE.fullmatch(str(told.get("__type") or told.get("code") or answer.headers.get("x-amzn-errortype") or ""))
    return found[1] if found else f"status {answer.status}"
