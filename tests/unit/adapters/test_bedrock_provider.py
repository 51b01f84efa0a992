"""The signed call, next to what a botocore client would have sent."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import botocore.auth
import pytest
import urllib3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import CredentialRetrievalError
from botocore.session import Session

from adapters.bedrock import provider
from adapters.bedrock.mapping import to_wire
from adapters.bedrock.provider import BedrockProvider, Keys, ambient_keys, endpoint
from signalbox.adapters.provider import AdapterError
from tests.unit.adapters.samples import TOOL_TURN, WEATHER, a_request, said

_KEYS = Keys("AKIDEXAMPLE", "secret", "session-token")
_ANSWER = {
    "output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3},
}


@dataclass
class FakePool:
    """Answers every request alike, or raises; remembers what was asked."""

    status: int = 200
    body: bytes = json.dumps(_ANSWER).encode()
    error: Exception | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)

    def request(self, method: str, url: str, **options: Any) -> "FakeResponse":
        self.asked.append({"method": method, "url": url, **options})
        if self.error:
            raise self.error
        return FakeResponse(self.status, self.body)


class FakeResponse:
    def __init__(self, status: int, body: bytes) -> None:
        self.status, self._body = status, body
        self.headers = urllib3.HTTPHeaderDict({"x-amzn-RequestId": "id-1"})

    def stream(self, amount: int = 0) -> Any:
        yield self._body

    def release_conn(self) -> None: ...

    def close(self) -> None: ...


def _provider(pool: FakePool, keys: Any = lambda: _KEYS) -> BedrockProvider:
    return BedrockProvider("eu-west-1", endpoint("eu-west-1"), keys, lambda: pool)  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    "model",
    ["global.amazon.nova-2-lite-v1:0", "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.amazon.nova-v1:0"],
)
def test_the_request_is_signed_as_botocores_own_client_signs_it(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: now)
    # Where awscrt is installed, clients sign with it, and it has a clock of its own.
    monkeypatch.setitem(botocore.auth.AUTH_TYPE_MAPS, "v4", botocore.auth.SigV4Auth)
    request = a_request(provider_model=model, messages=(*TOOL_TURN, said("user", "ø")), tools=(WEATHER,))
    sent: list[Any] = []

    def catch(request: Any, **_: Any) -> Any:
        sent.append(request)
        raw: Any = FakeResponse(200, json.dumps(_ANSWER).encode())
        return AWSResponse(request.url, 200, HTTPHeaders(), raw)

    session = Session()
    session.set_credentials(_KEYS.access_key, _KEYS.secret_key, _KEYS.token)
    client: Any = session.create_client("bedrock-runtime", region_name="eu-west-1")
    client.meta.events.register("before-send.bedrock-runtime.Converse", catch)
    client.converse(modelId=model, **to_wire(request))
    pool = FakePool()

    _provider(pool).attempt(request, 1_000)

    ours, theirs = pool.asked[0], sent[0]
    assert (ours["method"], ours["url"]) == (theirs.method, theirs.url)
    assert ours["body"] == theirs.body
    for header in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token", "Content-Type"):
        assert _text(ours["headers"][header]) == _text(theirs.headers[header])


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


@pytest.mark.row("C3")
def test_the_limits_of_a_call_are_its_time_left() -> None:
    pool = FakePool()

    _provider(pool).attempt(a_request(), 700)
    _provider(pool).attempt(a_request(), 60_000)

    limits = [(asked["timeout"].connect_timeout, asked["timeout"].read_timeout) for asked in pool.asked]
    assert limits == [(0.7, 0.7), (5.0, 60.0)]


def test_the_reply_carries_the_request_id() -> None:
    reply = _provider(FakePool()).attempt(a_request(), 1_000)

    assert (reply.text, reply.provider_request_id) == ("hi", "id-1")


def _raise(error: Exception) -> Any:
    raise error


@pytest.mark.parametrize(
    ("pool", "keys", "name", "words"),
    [
        (FakePool(status=500, body=b"{}"), lambda: _KEYS, "ProviderUnavailable", "500"),
        (FakePool(body=b'{"output": {"message": {"content": "x"}}}'), lambda: _KEYS, "MalformedReply", "stopReason"),
        (FakePool(body=b"x" * 5_000_001), lambda: _KEYS, "MalformedReply", "larger"),
        (FakePool(error=urllib3.exceptions.ProtocolError("x")), lambda: _KEYS, "ProviderUnavailable", "ProtocolError"),
        (
            FakePool(error=urllib3.exceptions.ConnectTimeoutError()),
            lambda: _KEYS,
            "ProviderUnavailable",
            "could not be reached in time",
        ),
        (FakePool(), lambda: None, "AuthenticationFailed", "no AWS credentials"),
        (
            FakePool(),
            lambda: _raise(CredentialRetrievalError(provider="sso", error_msg="x")),
            "AuthenticationFailed",
            "CredentialRetrievalError",
        ),
    ],
    ids=["status", "form", "size", "broken", "unreachable", "nobody", "expired"],
)
def test_whatever_goes_wrong_is_an_adapter_error(pool: FakePool, keys: Any, name: str, words: str) -> None:
    with pytest.raises(AdapterError) as raised:
        _provider(pool, keys).attempt(a_request(), 10_000)

    assert (raised.value.failure.name, words in raised.value.failure.message) == (name, True)


@pytest.mark.row("C3")
def test_nothing_is_sent_when_the_time_is_up() -> None:
    pool = FakePool()
    with pytest.raises(AdapterError) as raised:
        _provider(pool).attempt(a_request(), 0)

    assert (raised.value.failure.name, raised.value.failure.limit, pool.asked) == ("DeadlineExceeded", 5_000, [])
    assert raised.value.failure.message == "model_inference_deadline_exceeded at 5000ms (roster-model)"


def test_china_has_a_domain_of_its_own() -> None:
    assert endpoint("us-east-1") == "https://bedrock-runtime.us-east-1.amazonaws.com"
    assert endpoint("cn-north-1") == "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"


def test_keys_are_the_roles_or_whatever_botocore_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ACCESS_KEY_ID", "AKID"), ("SECRET_ACCESS_KEY", "secret"), ("SESSION_TOKEN", "token")):
        monkeypatch.setenv(f"AWS_{name}", value)
    assert ambient_keys() == Keys("AKID", "secret", "token")

    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    session = Session()
    session.set_credentials("AKID2", "secret2", "token2")
    monkeypatch.setattr(provider, "_session_credentials", session.get_credentials)
    assert ambient_keys() == Keys("AKID2", "secret2", "token2")

    monkeypatch.setattr(provider, "_session_credentials", lambda: None)
    assert ambient_keys() is None
