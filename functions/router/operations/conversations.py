"""``GET`` and ``DELETE /v1/conversations/{id}``: what is stored of a conversation of the caller's own, and its end."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from router.incoming import incoming
from router.respond import json_response
from router.services import services
from signalbox.contracts.errors import NotFound, Unavailable
from signalbox.contracts.requests import is_conversation_id
from signalbox.transport.dynamodb import StoreUnavailable


def read(event: APIGatewayProxyEvent, conversation_id: str) -> Response[str]:
    """Its figures: the version to append to, messages and tokens. Never its words."""
    who = incoming(event)
    _check(conversation_id)
    try:
        opened = services().conversations.open(who.caller, conversation_id, (), "new", whole=False)
    except StoreUnavailable:
        raise _unavailable("The conversation could not be read.") from None
    if opened.version == 0:
        raise _absent()
    body = {
        "id": conversation_id,
        "object": "conversation",
        "version": opened.version,
        "messages": opened.snapshot.messages,
        "tokens": opened.snapshot.tokens,
    }
    return json_response(body, who.request_id)


def erase(event: APIGatewayProxyEvent, conversation_id: str) -> Response[str]:
    """Turns, bodies and kept answers are gone when this answers 200; sent again after a 503 it goes on."""
    who = incoming(event)
    _check(conversation_id)
    try:
        services().conversations.erase(who.caller, conversation_id)
    except StoreUnavailable:
        raise _unavailable("The conversation is erased in part; send the request again.") from None
    return json_response({"id": conversation_id, "object": "conversation.deleted", "deleted": True}, who.request_id)


def _check(conversation_id: str) -> None:
    """Raises ``NotFound`` for what no conversation can be called."""
    if not is_conversation_id(conversation_id):
        raise _absent()


def _absent() -> NotFound:
    return NotFound("conversation_not_found", "There is no conversation of yours with this id.", param="id")


def _unavailable(told: str) -> Unavailable:
    return Unavailable("state_unavailable", told, retry_after_ms=1_000)
