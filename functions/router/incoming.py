"""What API Gateway hands over, as values; nothing past here sees its event."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from signalbox.contracts.errors import BadRequest
from signalbox.dialects.body import read_json


@dataclass(frozen=True)
class Incoming:
    """``arrived_at_ms`` is when API Gateway took the request in, Unix milliseconds."""

    request_id: str
    caller: str
    tier: str
    key_id: str
    path: str
    arrived_at_ms: int


def incoming(event: APIGatewayProxyEvent) -> Incoming:
    """The facts of a request that came past the authorizer."""
    context = event.request_context
    authorizer = event.raw_event["requestContext"].get("authorizer") or {}
    return Incoming(
        request_id=str(context.request_id),
        caller=str(authorizer.get("caller", "")),
        tier=str(authorizer.get("tier", "standard")),
        key_id=str(authorizer.get("key_id", "")),
        path=event.path,
        arrived_at_ms=int(event.raw_event["requestContext"].get("requestTimeEpoch") or 0),
    )


def json_body(event: APIGatewayProxyEvent) -> dict[str, Any]:
    """The body as a JSON object. Raises ``BadRequest`` or ``TooLarge``."""
    headers = {name.lower(): value for name, value in (event.raw_event.get("headers") or {}).items()}
    return read_json(_raw(event), headers.get("content-type"), headers.get("content-encoding"))


def _raw(event: APIGatewayProxyEvent) -> bytes:
    body = event.body or ""
    if not event.is_base64_encoded:
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise BadRequest("invalid_encoding", "The body is not valid base64.") from error
