"""``GET /v1/replies/{id}``: the final reply of a plan with several calls, to its own caller; ``?wait=20`` waits."""

import re
import time

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from router.incoming import incoming
from router.operations.answering import ANSWER_WITHIN_MS, MOST_QUEUED_MS
from router.respond import json_response
from router.services import services
from signalbox import ids
from signalbox.contracts.errors import BadRequest, NotFound, Unavailable
from signalbox.contracts.plans import ReplyHead
from signalbox.dialects.replies import ReplyRecord, render
from signalbox.replies.waiting import awaited
from signalbox.transport.dynamodb import StoreUnavailable
from signalbox.transport.ends import ending_in

LONGEST_WAIT_S = 20
# By then the wait is over, and whoever asks again soon waits again.
RETRY_AFTER_MS = 1_000
_SECONDS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3})?")
# Of the preliminary reply's facts: header and name.
_FACTS = {"x-signalbox-route": "route", "x-signalbox-role": "role", "x-signalbox-policy": "policy_version"}


def run(event: APIGatewayProxyEvent, reply_id: str) -> Response[str]:
    who, wait_ms, known = incoming(event), _wait_ms(event), services()
    if not ids.is_request_id(reply_id):
        raise _unknown()
    try:
        with ending_in(ANSWER_WITHIN_MS - MOST_QUEUED_MS):
            found = awaited(lambda: known.replies.head(who.caller, reply_id), wait_ms, known.clock, time.sleep)
    except StoreUnavailable:
        raise Unavailable("state_unavailable", "The reply could not be read.", retry_after_ms=1_000) from None
    if found is None:
        raise _unknown()
    head, conclusion = found
    body = render(head, conclusion, known.clock.now_ms())
    response = json_response(body, who.request_id, _headers(head, body))
    response.status_code = 202 if body["status"] == "pending" else 200
    return response


def _wait_ms(event: APIGatewayProxyEvent) -> int:
    sent = (event.query_string_parameters or {}).get("wait", "0")
    if _SECONDS.fullmatch(sent) is None or float(sent) > LONGEST_WAIT_S:
        raise BadRequest("invalid_value", f"wait: seconds, from 0 to {LONGEST_WAIT_S}.", param="wait")
    return round(float(sent) * 1_000)


def _headers(head: ReplyHead, body: ReplyRecord) -> dict[str, str]:
    told = {header: head.facts[name] or "" for header, name in _FACTS.items() if name in head.facts}
    headers = {"x-signalbox-plan": head.plan, **told}
    if body["reply"]:
        headers["x-signalbox-model"] = body["reply"]["model"]
    if body["cost_microusd"] is not None:
        headers["x-signalbox-cost-microusd"] = str(body["cost_microusd"])
    if body["status"] == "pending":
        headers |= {"retry-after": str(RETRY_AFTER_MS // 1_000), "retry-after-ms": str(RETRY_AFTER_MS)}
    return headers


def _unknown() -> NotFound:
    return NotFound("unknown_reply", "There is no reply of yours with this id.", param="id")
