"""``GET /v1/decisions/{id}``: what was decided for a request of the caller's own, and what came of it."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from router.incoming import incoming
from router.respond import json_response
from router.services import services
from signalbox import ids
from signalbox.contracts.errors import NotFound, Unavailable
from signalbox.transport.dynamodb import StoreUnavailable


def run(event: APIGatewayProxyEvent, request_id: str) -> Response[str]:
    who = incoming(event)
    try:
        entry = services().ledger.get(who.caller, request_id) if ids.is_request_id(request_id) else None
    except StoreUnavailable:
        raise Unavailable("state_unavailable", "The ledger could not be read.", retry_after_ms=1_000) from None
    if entry is None:
        raise NotFound("decision_not_found", "There is no decision of yours with this id.", param="id")
    body = {"id": request_id, "object": "decision", **entry.model_dump(mode="json")}
    return json_response(body, who.request_id)
