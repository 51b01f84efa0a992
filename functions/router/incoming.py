"""What API Gateway hands over, as values; nothing past here sees its event."""

import base64
import binascii
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from signalbox import ids
from signalbox.contracts.errors import BadRequest, Unauthorized
from signalbox.dialects.body import read_json

# The only headers that anything past here looks at.
READ_HEADERS = ("idempotency-key", "cache-control", "x-conversation-id")
_MINTED = "signalbox_request_id"


@dataclass(frozen=True)
class Incoming:
    """``arrived_at_ms`` is when API Gateway took the request in, Unix milliseconds. ``headers`` by lower-case name."""

    request_id: str
    caller: str
    tier: str
    key_id: str
    path: str
    arrived_at_ms: int
    headers: Mapping[str, str] = field(default_factory=dict)


def incoming(event: APIGatewayProxyEvent) -> Incoming:
    """The facts of a request that came past the authorizer. Raises ``Unauthorized`` for one that did not."""
    context = event.raw_event["requestContext"]
    authorizer = context.get("authorizer") or {}
    if not authorizer.get("caller"):
        raise Unauthorized("missing_api_key", "The request did not come past the authorizer.")
    return Incoming(
        request_id=request_id(event),
        caller=str(authorizer["caller"]),
        tier=str(authorizer.get("tier", "standard")),
        key_id=str(authorizer.get("key_id", "")),
        path=event.path,
        arrived_at_ms=int(context.get("requestTimeEpoch") or 0),
        headers=_joined(event, READ_HEADERS),
    )


def request_id(event: APIGatewayProxyEvent) -> str:
    """Ours, the same for the whole of a request. A client can choose API Gateway's, by ``X-Amzn-RequestId``."""
    return str(event.raw_event.setdefault(_MINTED, ids.request_id()))


def json_body(event: APIGatewayProxyEvent) -> dict[str, Any]:
    """The body as a JSON object. Raises ``BadRequest`` or ``TooLarge``."""
    headers = _headers(event)
    return read_json(_raw(event), headers.get("content-type"), headers.get("content-encoding"))


def _headers(event: APIGatewayProxyEvent) -> dict[str, str]:
    """By lower-case name; of a header sent several times the last."""
    return {name.lower(): value for name, value in (event.raw_event.get("headers") or {}).items()}


def _joined(event: APIGatewayProxyEvent, names: Collection[str]) -> dict[str, str]:
    """Those that were sent, by lower-case name; of one sent several times every value, as RFC 9110 (5.3) joins them."""
    found: dict[str, list[str]] = {}
    for name, values in (event.raw_event.get("multiValueHeaders") or {}).items():
        found.setdefault(name.lower(), []).extend(values)
    once = {name: value for name, value in _headers(event).items() if name in names}
    return once | {name: ", ".join(found[name]) for name in names if found.get(name)}


def _raw(event: APIGatewayProxyEvent) -> bytes:
    body = event.body or ""
    if not event.is_base64_encoded:
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise BadRequest("invalid_encoding", "The body is not valid base64.") from error
