"""``GET /v1/health``: which models may be asked now. Open to all, so it has no figures."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from router.incoming import request_id
from router.respond import json_response
from router.services import services
from signalbox.execution.choose import moment
from signalbox.health.render import as_json


def run(event: APIGatewayProxyEvent) -> Response[str]:
    known = services()
    runtime = known.health.read(known.policy.roster)
    return json_response(as_json(known.policy, runtime, moment(known.clock.now_ms())), request_id(event))
