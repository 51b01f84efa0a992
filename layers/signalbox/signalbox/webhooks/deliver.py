"""Sends one signed event to one URL. Whoever calls tries again, with the same event."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
from typing_extensions import TypedDict

from signalbox.dialects.replies import ReplyRecord
from signalbox.transport.exchange import BrokenOff, TooLarge, left_ms, post
from signalbox.transport.within import OutOfTime, within
from signalbox.webhooks.sign import BadSecret, sign

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class WebhookFailed(Exception):
    """Nobody took the event; it may be sent again. The message has a status or an error's type, never the URL."""


class ReplyEvent(TypedDict):
    """``timestamp`` is when the reply became final, ISO 8601; ``data`` is what ``GET /v1/replies/{id}`` answers."""

    type: Literal["reply.final"]
    id: str
    timestamp: str
    data: ReplyRecord


def reply_event(record: ReplyRecord) -> ReplyEvent:
    """``record`` must have ended: with a reply, or failed."""
    ended = datetime.fromtimestamp(record["concluded_at"] or record["created_at"], UTC)
    return ReplyEvent(
        type="reply.final", id=record["id"], timestamp=ended.isoformat().replace("+00:00", "Z"), data=record
    )


def deliver(
    url: str,
    secret: str,
    event: ReplyEvent | Mapping[str, Any],
    ends_at: float,
    client: httpx.Client,
    now_s: Callable[[], float] = time.time,
) -> None:
    """Any 2xx is success; a redirect is not followed. ``ends_at``: seconds of the monotonic clock.

    Raises ``WebhookFailed``. Where an answer was lost it was taken all the same: its ``webhook-id``, the event's id,
    is the same every time, and a receiver drops the second.
    """
    if not may_be_sent_to(url):
        raise WebhookFailed("the URL is not https")
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    try:
        headers = {"content-type": "application/json", **sign(secret, event["id"], int(now_s()), body)}
        # A receiver that sends a byte now and then is cut off too.
        status = within(left_ms(ends_at), lambda: post(client, url, headers, body, ends_at)).status
    except BrokenOff:
        return  # it said 2xx
    except (BadSecret, OutOfTime, TooLarge, httpx.HTTPError, httpx.InvalidURL) as error:
        told = str(error) if isinstance(error, BadSecret) else type(error).__name__
        raise WebhookFailed(f"the webhook was not delivered: {told}") from None
    if not 200 <= status < 300:
        raise WebhookFailed(f"the webhook was not delivered: status {status}")


def may_be_sent_to(url: str) -> bool:
    """``https`` alone, but for the machine itself. The URL is the operator's, from the policy; so which of his own
    networks it leads into is his to say."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK))
