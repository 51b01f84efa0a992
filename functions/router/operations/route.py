"""``POST /v1/route``: the decision alone; no model is called."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from router.incoming import incoming, json_body
from router.respond import decision_headers, json_response
from router.services import services
from signalbox.decision.render import as_json
from signalbox.dialects.either import parse_either
from signalbox.execution.answer import choose


def run(event: APIGatewayProxyEvent) -> Response[str]:
    who = incoming(event)
    known = services()
    request = parse_either(json_body(event), known.policy, request_id=who.request_id, caller=who.caller, tier=who.tier)
    decision = choose(request, known)
    return json_response(as_json(decision), who.request_id, decision_headers(decision))
