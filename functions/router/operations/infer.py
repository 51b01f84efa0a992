"""``POST /v1/infer`` and ``POST /v1/chat``: the native dialect."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from router.incoming import incoming, json_body
from router.operations.answering import respond
from router.respond import json_response
from signalbox.contracts.answers import Answer
from signalbox.dialects import native
from signalbox.dialects.fields import with_header


def run(event: APIGatewayProxyEvent) -> Response[str]:
    who = incoming(event)
    request = native.parse(
        json_body(event), request_id=who.request_id, caller=who.caller, tier=who.tier, path=who.path, key_id=who.key_id
    )
    request = with_header(request, who.headers.get("x-conversation-id"))

    def render(answer: Answer, headers: dict[str, str]) -> Response[str]:
        body = native.render(request, answer.reply, answer.facts, request_id=answer.request_id)
        return json_response(body, who.request_id, headers)

    return respond(who, request, render)
