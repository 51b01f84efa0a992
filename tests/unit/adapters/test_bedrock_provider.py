"""The signed call, next to what a botocore client would have sent."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import botocore.auth
import httpx
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.session import Session

from adapters.bedrock import provider
from adapters.bedrock.mapping import to_wire
from adapters.bedrock.provider import BedrockProvider
from signalbox.adapters.provider import AdapterError
from signalbox.transport.aws import NoAwsKeys, endpoint
from signalbox.transport.sigv4 import Keys
from tests.unit.adapters.samples import TOOL_TURN, WEATHER, a_request, said

_KEYS = Keys("AKIDEXAMPLE", "secret", "session-token")
_ANSWER = {
    "output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3},
}


class Peer:
    """Answers every request alike, or raises; remembers what was asked."""

    def __init__(self, status: int = 200, body: bytes = json.dumps(_ANSWER).encode(), error: Any = None) -> None:
        self._status, self._body, self._error = status, body, error
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self._error:
            raise self._error
        return httpx.Response(self._status, content=self._body, headers={"x-amzn-RequestId": "id-1"})


class RawAnswer:
    """What botocore's own client is given."""

    def stream(self, amount: int = 0) -> Any:
        yield json.dumps(_ANSWER).encode()


def _provider(peer: Peer, keys: Any = lambda: _KEYS) -> BedrockProvider:
    client = httpx.Client(transport=httpx.MockTransport(peer))
    return BedrockProvider("eu-west-1", endpoint("bedrock-runtime", "eu-west-1"), keys, lambda: client)


@pytest.mark.parametrize(
    "model",
    ["global.amazon.nova-2-lite-v1:0", "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.amazon.nova-v1:0"],
)
def test_the_request_is_signed_as_botocores_own_client_signs_it(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: now)
    monkeypatch.setattr(provider, "datetime", SimpleNamespace(now=lambda _: now))
    # Where awscrt is installed, clients sign with it, and it has a clock of its own.
    monkeypatch.setitem(botocore.auth.AUTH_TYPE_MAPS, "v4", botocore.auth.SigV4Auth)
    request = a_request(provider_model=model, messages=(*TOOL_TURN, said("user", "ø")), tools=(WEATHER,))
    sent: list[Any] = []

    def catch(request: Any, **_: Any) -> Any:
        sent.append(request)
        raw: Any = RawAnswer()
        return AWSResponse(request.url, 200, HTTPHeaders(), raw)

    session = Session()
    session.set_credentials(_KEYS.access_key, _KEYS.secret_key, _KEYS.token)
    client: Any = session.create_client("bedrock-runtime", region_name="eu-west-1")
    client.meta.events.register("before-send.bedrock-runtime.Converse", catch)
    client.converse(modelId=model, **to_wire(request))
    peer = Peer()

    _provider(peer).attempt(request, 1_000)

    ours, theirs = peer.asked[0], sent[0]
    assert (ours.method, str(ours.url)) == (theirs.method, theirs.url)
    assert ours.content == theirs.body
    for header in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token", "Content-Type"):
        assert ours.headers[header] == _text(theirs.headers[header])


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


@pytest.mark.row("C3")
def test_the_limits_of_a_call_are_its_time_left() -> None:
    peer = Peer()

    _provider(peer).attempt(a_request(), 700)
    _provider(peer).attempt(a_request(), 60_000)

    limits = [(asked.extensions["timeout"]["connect"], asked.extensions["timeout"]["read"]) for asked in peer.asked]
    assert limits[0] == (limits[0][1], pytest.approx(0.7, abs=0.2))
    assert limits[1] == (5.0, pytest.approx(60, abs=1))


def test_the_reply_carries_the_request_id() -> None:
    reply = _provider(Peer()).attempt(a_request(), 1_000)

    assert (reply.text, reply.provider_request_id) == ("hi", "id-1")


def test_a_bedrock_key_stands_in_for_a_role() -> None:
    peer = Peer()
    client = httpx.Client(transport=httpx.MockTransport(peer))
    BedrockProvider("eu-north-1", "http://bedrock", _no_keys, lambda: client, "bedrock-key").attempt(a_request(), 1_000)
    assert peer.asked[0].headers["authorization"] == "Bearer bedrock-key"


def _no_keys() -> Keys:
    raise NoAwsKeys("no AWS credentials were found")


@pytest.mark.parametrize(
    ("peer", "keys", "name", "words"),
    [
        (Peer(status=500, body=b"{}"), lambda: _KEYS, "ProviderUnavailable", "500"),
        (Peer(body=b'{"output": {"message": {"content": "x"}}}'), lambda: _KEYS, "MalformedReply", "stopReason"),
        (Peer(body=b"x" * 5_000_001), lambda: _KEYS, "MalformedReply", "larger"),
        (Peer(error=httpx.ReadError("x")), lambda: _KEYS, "ProviderUnavailable", "(ReadError)"),
        (Peer(error=httpx.ConnectTimeout("x")), lambda: _KEYS, "ProviderUnavailable", "does not answer"),
        (Peer(), _no_keys, "AuthenticationFailed", "no AWS credentials"),
    ],
    ids=["status", "form", "size", "broken", "unreachable", "nobody"],
)
def test_whatever_goes_wrong_is_an_adapter_error(peer: Peer, keys: Any, name: str, words: str) -> None:
    with pytest.raises(AdapterError) as raised:
        _provider(peer, keys).attempt(a_request(), 10_000)

    assert (raised.value.failure.name, words in raised.value.failure.message) == (name, True)


@pytest.mark.row("C3")
def test_nothing_is_sent_when_the_time_is_up() -> None:
    peer = Peer()
    with pytest.raises(AdapterError) as raised:
        _provider(peer).attempt(a_request(), 0)

    assert (raised.value.failure.name, raised.value.failure.limit, peer.asked) == ("DeadlineExceeded", 5_000, [])
    assert raised.value.failure.message == "model_inference_deadline_exceeded at 5000ms (roster-model)"
