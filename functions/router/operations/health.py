"""``GET /v1/health``: open to all, so it names nothing but the policy in force."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from router.respond import json_response
from router.services import services


def run(event: APIGatewayProxyEvent) -> Response[str]:
    policy = services().policy
    return json_response(
        {"status": "ok", "policy_version": policy.version, "models": len(policy.roster)},
        str(event.request_context.request_id),
    )
