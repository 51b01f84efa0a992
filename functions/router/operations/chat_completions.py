"""``POST /v1/chat/completions``: OpenAI's dialect."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from router.incoming import incoming, json_body
from router.operations.answering import respond
from router.respond import json_response
from signalbox.contracts.adapters import AdapterReply
from signalbox.dialects import openai_chat


def run(event: APIGatewayProxyEvent) -> Response[str]:
    who = incoming(event)
    request = openai_chat.parse(
        json_body(event), request_id=who.request_id, caller=who.caller, tier=who.tier, path=who.path
    )

    def render(reply: AdapterReply, facts: dict[str, Any], headers: dict[str, str]) -> Response[str]:
        if request.stream:
            text = openai_chat.render_stream(request, reply, facts)
            return Response(200, "text/event-stream", text, headers={**headers, "cache-control": "no-cache"})
        return json_response(openai_chat.render(request, reply, facts), who.request_id, headers)

    return respond(who, request, render)
