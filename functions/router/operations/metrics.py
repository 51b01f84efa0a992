"""``POST /v1/metrics``: what a call of a model costs and how long it takes; no model is called."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from router.incoming import incoming, json_body
from router.respond import json_response
from router.services import services
from signalbox.dialects.metrics import parse_metrics
from signalbox.pricing.shim import quote


def run(event: APIGatewayProxyEvent) -> Response[str]:
    who, known = incoming(event), services()
    model, input_tokens, output_tokens = parse_metrics(json_body(event))
    runtime = known.health.read(known.policy.roster)
    told = quote(known.policy, known.prices, runtime, model, input_tokens, output_tokens)
    return json_response(told, who.request_id)
