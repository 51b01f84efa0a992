"""``GET /v1/models`` and ``GET /v1/models/{model}``: ``auto``, the roles and the roster."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from router.incoming import incoming
from router.respond import json_response
from router.services import services
from signalbox.dialects import openai_chat


def run(event: APIGatewayProxyEvent) -> Response[str]:
    return json_response(openai_chat.models(services().policy), incoming(event).request_id)


def run_one(event: APIGatewayProxyEvent, name: str) -> Response[str]:
    """Raises ``NotFound`` (``model_not_found``)."""
    return json_response(openai_chat.model(services().policy, name), incoming(event).request_id)
