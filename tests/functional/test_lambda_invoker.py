"""The router's call of an adapter, against an HTTP double of Lambda's Invoke API."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from signalbox.contracts.adapters import AdapterRequest
from signalbox.execution.lambda_invoker import LambdaInvoker
from signalbox.transport.exchange import MAX_REPLY_BYTES
from signalbox.transport.sigv4 import Keys
from tests.builders import reply
from tests.functional.adapting import a_request

Script = Callable[[BaseHTTPRequestHandler], None]


class Double:
    """Answers every invocation as ``script`` does; ``seen`` holds path, headers and body of each."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        self.script: Script = lambda handler: respond(handler, 200, b"{}")
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                double.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                double.script(self)

            def log_message(self, *_: Any) -> None:
                """Silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


def respond(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"content-length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def double() -> Iterator[Double]:
    one = Double()
    yield one
    one.server.shutdown()
    one.server.server_close()


def invoker(url: str) -> LambdaInvoker:
    return LambdaInvoker("stack-adapter-", "eu-north-1", url, lambda: Keys("AKIDEXAMPLE", "secret", "token"))


def failed(url: str, request: AdapterRequest | None = None) -> tuple[str, str]:
    result = invoker(url).invoke(request or a_request())
    assert result.reply is None
    assert result.failure is not None
    return result.failure.name, result.failure.message


def test_the_models_function_is_invoked_and_its_reply_comes_back(double: Double) -> None:
    expected = reply("roster-model")
    double.script = lambda handler: respond(handler, 200, expected.model_dump_json().encode())
    request = a_request()
    assert invoker(double.url).invoke(request) == expected
    path, headers, body = double.seen[0]
    assert path == "/2015-03-31/functions/stack-adapter-roster-model:live/invocations"
    assert AdapterRequest.model_validate_json(body) == request
    assert "/eu-north-1/lambda/aws4_request" in headers["authorization"]
    assert headers["x-amz-security-token"] == "token"


def test_a_full_gate_is_a_rate_limit(double: Double) -> None:
    double.script = lambda handler: respond(
        handler, 429, b'{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded"}'
    )
    result = invoker(double.url).invoke(a_request())
    assert result.failure is not None
    assert (result.failure.name, result.failure.retry_after_ms) == ("RateLimited", 1_000)


def test_what_lies_between_may_rewrite_is_not_signed(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-6921b0c0-0123456789abcdef01234567;Sampled=1")
    invoker(double.url).invoke(a_request())
    headers = double.seen[0][1]
    assert headers["x-amzn-trace-id"].startswith("Root=1-")
    assert headers["connection"] == "close"
    proof = headers["authorization"]
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token," in proof


def test_a_payload_that_lambda_will_not_take_is_the_requests_fault(double: Double) -> None:
    double.script = lambda handler: respond(handler, 413, b"{}")
    assert failed(double.url)[0] == "InvalidRequest"


@pytest.mark.row("C3")
@pytest.mark.parametrize(
    ("error", "name"),
    [
        (
            {"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: x Error: Task timed out after 29.00 seconds"},
            "DeadlineExceeded",
        ),
        ({"errorMessage": "2026-11-21T00:00:00Z 0c Task timed out after 29.00 seconds"}, "DeadlineExceeded"),
        (
            {"errorType": "Runtime.ExitError", "errorMessage": "RequestId: x Error: Runtime exited"},
            "ProviderUnavailable",
        ),
        ({"errorType": "KeyError", "errorMessage": "'ROSTER_MODEL'"}, "ProviderUnavailable"),
        ("nonsense", "ProviderUnavailable"),
    ],
)
def test_a_function_that_broke(double: Double, error: Any, name: str) -> None:
    body = json.dumps(error).encode()
    double.script = lambda handler: respond(handler, 200, body, x_amz_function_error="Unhandled")
    assert failed(double.url)[0] == name


@pytest.mark.parametrize(
    ("status", "body", "name"),
    [
        (200, b"null", "MalformedReply"),
        (200, b'{"reply": {"text": 1}}', "MalformedReply"),
        (404, b'{"Message":"Function not found"}', "ProviderUnavailable"),
        (403, b"{}", "ProviderUnavailable"),
        (500, b"", "ProviderUnavailable"),
    ],
)
def test_whatever_else_comes_back(double: Double, status: int, body: bytes, name: str) -> None:
    double.script = lambda handler: respond(handler, status, body)
    assert failed(double.url)[0] == name
    assert len(double.seen) == 1


@pytest.mark.row("C3")
def test_an_adapter_that_overstays_is_not_waited_for(double: Double) -> None:
    double.script = lambda handler: time.sleep(3)
    started = time.monotonic()
    name, message = failed(double.url, a_request(limit_ms=200))
    assert (name, message) == ("DeadlineExceeded", "model_inference_deadline_exceeded at 200ms (roster-model)")
    assert time.monotonic() - started < 2.5


def test_nobody_there() -> None:
    with httpx.Client() as client:
        dead = LambdaInvoker("p-", "eu-north-1", "http://127.0.0.1:9", lambda: Keys("a", "b"), lambda: client)
        result = dead.invoke(a_request())
    assert result.failure is not None
    assert result.failure.name == "ProviderUnavailable"


def test_a_reply_that_is_lost_on_its_way_may_be_billed(double: Double) -> None:
    """The model has answered, so this is no outage: its receipt tells what it cost."""

    def broken_off(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"reply":')
        handler.connection.close()

    double.script = broken_off
    assert failed(double.url) == (
        "MalformedReply",
        "the reply of roster-model was lost on its way back (BrokenOff); it may be billed",
    )
    double.script = lambda handler: respond(handler, 200, b" " * (MAX_REPLY_BYTES + 1))
    name, message = failed(double.url, a_request(limit_ms=10_000))
    assert (name, "TooLarge" in message) == ("MalformedReply", True)
    assert len(double.seen) == 2
