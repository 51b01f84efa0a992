"""What is sent and to where, short of sending it."""

import json
import time
from typing import Any

import httpx
import pytest

from signalbox.adapters.keys import KeyUnavailable
from signalbox.dialects.replies import render
from signalbox.webhooks.deliver import WebhookFailed, deliver, may_be_sent_to, reply_event
from signalbox.webhooks.secret import signing_secret
from signalbox.webhooks.sign import sign
from tests.unit.replies.contract import ID, START_MS, failed, final, head

pytestmark = pytest.mark.row("A11")
URL = "https://hooks.example.com/replies?token=private-token"
EVENT = reply_event(render(head(), final("bätter"), START_MS))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def sent(answer: int | Exception, url: str = URL, secret: str = SECRET) -> list[httpx.Request]:
    """The requests that a delivery makes of a receiver who answers so."""
    requests: list[httpx.Request] = []

    def receive(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer, headers={"location": "https://elsewhere.example.com"}, text="private-body")

    with httpx.Client(transport=httpx.MockTransport(receive)) as client:
        deliver(url, secret, EVENT, time.monotonic() + 5, client, lambda: 1_795_000_000.9)
    return requests


def test_an_event_has_what_the_endpoint_answers() -> None:
    for conclusion in (final(), failed()):
        record = render(head(), conclusion, START_MS)
        assert reply_event(record) == {
            "type": "reply.final",
            "id": ID,
            "timestamp": "2026-09-21T14:13:25Z",
            "data": record,
        }


def test_what_is_sent_is_what_is_signed() -> None:
    (request,) = sent(204)
    assert (request.method, str(request.url), request.headers["content-type"]) == ("POST", URL, "application/json")
    assert json.loads(request.content) == EVENT
    signed = sign(SECRET, ID, 1_795_000_000, request.content)
    assert {name: request.headers[name] for name in signed} == signed


@pytest.mark.parametrize("status", [100, 301, 302, 307, 308, 400, 404, 410, 429, 500, 503])
def test_every_status_but_2xx_is_a_failure_that_tells_nothing_private(status: int) -> None:
    with pytest.raises(WebhookFailed, match=f"status {status}$") as raised:
        sent(status)
    _tells_nothing(raised.value)


@pytest.mark.parametrize("error", [httpx.ConnectError("private"), httpx.ReadTimeout("private")])
def test_an_error_on_the_way_is_told_by_its_type(error: Exception) -> None:
    with pytest.raises(WebhookFailed, match=f": {type(error).__name__}$") as raised:
        sent(error)
    _tells_nothing(raised.value)


def test_nothing_is_sent_unsigned_or_too_late() -> None:
    with pytest.raises(WebhookFailed) as raised:
        sent(200, secret="whsec_hunter two!")
    assert "hunter" not in str(raised.value)
    with (
        httpx.Client(transport=httpx.MockTransport(_nobody)) as client,
        pytest.raises(WebhookFailed, match="OutOfTime"),
    ):
        deliver(URL, SECRET, EVENT, time.monotonic() - 1, client)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://hooks.example.com/x", True),
        ("https://hooks.example.com:8443", True),
        ("http://127.0.0.1:8080/x", True),
        ("http://localhost/x", True),
        ("http://[::1]:80/", True),
        ("http://hooks.example.com/x", False),
        ("http://127.0.0.1.example.com/", False),
        ("http://localhost@example.com/", False),
        ("http://10.0.0.1/", False),
        ("ftp://127.0.0.1/", False),
        ("https:///x", False),
        ("//hooks.example.com", False),
        ("https://[::1", False),
        ("", False),
    ],
)
def test_bodies_travel_by_tls_alone(url: str, allowed: bool) -> None:
    assert may_be_sent_to(url) is allowed
    if not allowed:
        with pytest.raises(WebhookFailed, match="not https"):
            sent(200, url)


class Source:
    def __init__(self, value: Any) -> None:
        self.value = value

    def key(self, *, fresh: bool) -> str | None:
        if isinstance(self.value, Exception):
            raise self.value
        return str(self.value) if self.value else None


def test_without_a_secret_nothing_is_sent() -> None:
    assert signing_secret(Source(SECRET)) == SECRET
    for missing in (None, KeyUnavailable("the secret signalbox/webhook cannot be read (status 500)")):
        with pytest.raises(WebhookFailed, match="secret"):
            signing_secret(Source(missing))


def _nobody(request: httpx.Request) -> httpx.Response:
    raise AssertionError("nothing is to be sent")


def _tells_nothing(error: WebhookFailed) -> None:
    assert "private" not in str(error)
    assert "example" not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
