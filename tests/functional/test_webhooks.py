"""Webhooks to a receiver over real HTTP, who checks them by the specification alone."""

import base64
import hashlib
import hmac
import json
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from signalbox.adapters.keys import SecretKey
from signalbox.dialects.replies import render
from signalbox.transport.exchange import shared_client
from signalbox.webhooks.deliver import WebhookFailed, deliver, reply_event
from signalbox.webhooks.secret import signing_secret
from tests.functional.secrets_manager import running_secrets_manager
from tests.unit.replies.contract import ID, START_MS, final, head
from workbench.paths import ROOT

pytestmark = pytest.mark.row("A11")
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
EVENT = reply_event(render(head(), final("Ihr Guthaben: 5 €"), START_MS))
Act = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Taken:
    headers: dict[str, str]
    body: bytes


class Receiver(ThreadingHTTPServer):
    """Answers with ``statuses``, one a request, then with 204."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses: deque[int] = deque()
        self.taken: list[Taken] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.taken.append(Taken({name.lower(): value for name, value in self.headers.items()}, body))
        status = self.server.statuses.popleft() if self.server.statuses else 204
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("location", f"{self.server.url}/elsewhere")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Silent."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client() as one:
        yield one


def send(url: str, client: httpx.Client, limit_s: float = 5, secret: str = SECRET) -> None:
    deliver(url, secret, EVENT, time.monotonic() + limit_s, client)


def verified(taken: Taken, secret: str = SECRET, now_s: float | None = None) -> Any:
    """The event, checked as the specification says; written without a look at how it is signed."""
    identity, sent_at = taken.headers["webhook-id"], taken.headers["webhook-timestamp"]
    assert re.fullmatch(r"[0-9]+", sent_at)
    assert abs((time.time() if now_s is None else now_s) - int(sent_at)) < 300, "too old, or from the future"
    assert "." not in identity
    content = f"{identity}.{sent_at}.{taken.body.decode()}"
    expected = hmac.new(base64.b64decode(secret.split("_", 1)[1]), content.encode(), hashlib.sha256).digest()
    for signature in taken.headers["webhook-signature"].split(" "):
        version, _, told = signature.partition(",")
        if version == "v1" and hmac.compare_digest(base64.b64decode(told), expected):
            return json.loads(taken.body)
    raise AssertionError("no signature fits")


def test_a_receiver_knows_it_for_ours(receiver: Receiver, client: httpx.Client) -> None:
    send(receiver.url, client)
    (taken,) = receiver.taken
    assert taken.headers["content-type"] == "application/json"
    assert verified(taken) == EVENT
    for other in (
        Taken(taken.headers, taken.body.replace(b"final", b"fina1")),
        Taken({**taken.headers, "webhook-id": "req_2"}, taken.body),
        Taken({**taken.headers, "webhook-timestamp": str(int(taken.headers["webhook-timestamp"]) + 1)}, taken.body),
    ):
        with pytest.raises(AssertionError, match="no signature fits"):
            verified(other)


def test_the_snippet_of_the_documentation_takes_ours_and_no_other(receiver: Receiver, client: httpx.Client) -> None:
    text = (ROOT / "docs/replies.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0], names)  # noqa: S102 - our own text
    send(receiver.url, client)
    (taken,) = receiver.taken
    assert names["verified"](SECRET, taken.headers, taken.body) == EVENT
    old = {**taken.headers, "webhook-timestamp": str(int(time.time()) - 301)}
    for headers, body in ((taken.headers, taken.body + b" "), (old, taken.body)):
        with pytest.raises(ValueError):
            names["verified"](SECRET, headers, body)


def test_a_retry_has_the_same_id_and_body(receiver: Receiver, client: httpx.Client) -> None:
    receiver.statuses += [500, 302, 204]
    for status in (500, 302):
        with pytest.raises(WebhookFailed, match=f"status {status}"):
            send(receiver.url, client)
    send(receiver.url, client)
    assert len(receiver.taken) == 3, "the redirect was not followed"
    assert {one.headers["webhook-id"] for one in receiver.taken} == {ID}
    assert len({one.body for one in receiver.taken}) == 1
    assert [verified(one)["id"] for one in receiver.taken] == [ID] * 3


def test_the_secret_comes_out_of_secrets_manager(
    receiver: Receiver, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    with running_secrets_manager() as manager:
        for name, value in manager.environment.items():
            monkeypatch.setenv(name, value)
        arn = manager.admin.create_secret(Name="signalbox/webhook", SecretString="unset")["ARN"]
        key = SecretKey(arn, what="the secret that webhooks are signed with")
        with pytest.raises(WebhookFailed) as raised:
            signing_secret(key)
        asked = "put the secret that webhooks are signed with into the secret signalbox/webhook"
        assert str(raised.value) == f"no key is set: {asked}"
        manager.admin.put_secret_value(SecretId=arn, SecretString=f"{SECRET}\n")
        send(receiver.url, client, secret=signing_secret(key))
    assert verified(receiver.taken[0]) == EVENT


@pytest.fixture
def peer() -> Iterator[Callable[[Act], str]]:
    """Takes what is sent, does the given and hangs up; gives its URL."""
    listeners: list[socket.socket] = []

    def start(act: Act) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def answer() -> None:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                try:
                    act(connection)
                except OSError:
                    return

        threading.Thread(target=answer, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    yield start
    for one in listeners:
        one.close()


def test_a_receiver_who_says_nothing_is_given_up(peer: Callable[[Act], str], client: httpx.Client) -> None:
    ended = threading.Event()

    def silent(_: socket.socket) -> None:
        ended.wait(30)

    with pytest.raises(WebhookFailed, match=r"ReadTimeout|OutOfTime"):
        send(peer(silent), client, limit_s=0.3)
    ended.set()


def test_a_receiver_who_drips_is_given_up(peer: Callable[[Act], str], client: httpx.Client) -> None:
    """No single read ever waits long, and no header ever ends."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
        for _ in range(600):
            connection.sendall(b"x")
            time.sleep(0.05)

    with pytest.raises(WebhookFailed, match="OutOfTime"):
        send(peer(drip), client, limit_s=0.3)


def test_a_2xx_whose_body_breaks_off_was_taken(peer: Callable[[Act], str], client: httpx.Client) -> None:
    send(peer(lambda one: one.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nthan")), client)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 2", b"nonsense\r\n\r\n"])
def test_whoever_answers_nothing_did_not_take_it(peer: Callable[[Act], str], client: httpx.Client, said: bytes) -> None:
    with pytest.raises(WebhookFailed, match=r"RemoteProtocolError|ReadError"):
        send(peer(lambda one: one.sendall(said)), client)


def test_a_receiver_who_is_not_there(client: httpx.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/?token=private"
    with pytest.raises(WebhookFailed, match=r"ConnectError$"):
        send(url, client)


def test_the_processes_own_client_will_do(receiver: Receiver) -> None:
    send(receiver.url, shared_client())
    assert verified(receiver.taken[0]) == EVENT
