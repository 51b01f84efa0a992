"""``POST /v1/route``: the decision alone; no model is called and nothing is stored."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from router.incoming import incoming, json_body
from router.respond import json_response
from router.services import services
from signalbox.decision.render import as_json
from signalbox.dialects.either import parse_either
from signalbox.dialects.fields import with_header
from signalbox.execution.facts import routing_headers
from signalbox.execution.serve import preview


def run(event: APIGatewayProxyEvent) -> Response[str]:
    who = incoming(event)
    known = services()
    request = parse_either(
        json_body(event), known.policy, request_id=who.request_id, caller=who.caller, tier=who.tier, key_id=who.key_id
    )
    decision = preview(with_header(request, who.headers.get("x-conversation-id")), known)
    return json_response(as_json(decision), who.request_id, routing_headers(decision))
