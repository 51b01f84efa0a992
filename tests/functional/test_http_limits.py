"""The shared HTTP provider against a peer that misbehaves on the socket."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from adapters.openai.dialect import OpenAI
from signalbox.transport.exchange import MAX_REPLY_BYTES
from tests.functional.adapting import FixedKey, a_request, failed, replied

REPLY = {
    "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1},
}
BODY = json.dumps(REPLY).encode()
Act = Callable[[socket.socket], None]


def head(length: int, status: str = "200 OK", extra: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{extra}\r\n".encode()


class Peer:
    """Reads one request a connection, then does ``act`` and hangs up."""

    def __init__(self, act: Act) -> None:
        self.connections = 0
        self.client_hung_up = threading.Event()
        self._act = act
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            request = b""
            while b"hello" not in request:  # the last of what is sent, in the body
                request += connection.recv(65_536)
            try:
                self._act(connection)
            except OSError:
                self.client_hung_up.set()

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def peer() -> Iterator[Callable[[Act], Peer]]:
    peers: list[Peer] = []

    def start(act: Act) -> Peer:
        peers.append(Peer(act))
        return peers[-1]

    yield start
    for each in peers:
        each.close()


def drip(data: bytes) -> Act:
    """A byte every 50 ms: no single read ever waits long."""

    def act(connection: socket.socket) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    return act


def test_a_good_reply(peer: Callable[[Act], Peer]) -> None:
    server = peer(lambda connection: connection.sendall(head(len(BODY)) + BODY))
    assert replied(OpenAI(server.url), a_request()).text == "Hi"


@pytest.mark.row("C3")
@pytest.mark.parametrize("prefix", [head(len(BODY)), b""], ids=["body", "headers"])
def test_a_drip_meets_the_total_limit(peer: Callable[[Act], Peer], prefix: bytes) -> None:
    def act(connection: socket.socket) -> None:
        connection.sendall(prefix)
        drip((b"" if prefix else head(len(BODY), extra="x-pad: " + "x" * 200 + "\r\n")) + BODY)(connection)

    server = peer(act)
    failure = failed(OpenAI(server.url), a_request(limit_ms=400))
    assert failure.message == "model_inference_deadline_exceeded at 400ms (roster-model)"
    # The whole drip takes 5 s and more; a limit per read would let it run on.
    assert failure.latency_ms < 3_000
    assert server.connections == 1
    if prefix:
        assert server.client_hung_up.wait(3), "the work that was given up goes on"


@pytest.mark.row("C3")
def test_a_peer_that_says_nothing(peer: Callable[[Act], Peer]) -> None:
    over = threading.Event()

    def keep_quiet(connection: socket.socket) -> None:
        over.wait(5)

    server = peer(keep_quiet)
    assert failed(OpenAI(server.url), a_request(limit_ms=200)).name == "DeadlineExceeded"
    over.set()


@pytest.mark.parametrize(
    ("answer", "name", "tries"),
    [
        (head(len(BODY) + 10) + BODY, "MalformedReply", 1),
        (head(5) + b"{mal}", "MalformedReply", 1),
        (head(2) + b"{}", "MalformedReply", 1),
        (head(0), "MalformedReply", 1),
        (head(len(BODY), extra="content-encoding: gzip\r\n") + BODY, "MalformedReply", 1),
        (head(0, "307 Temporary Redirect", "location: http://127.0.0.1:9/\r\n"), "MalformedReply", 1),
        (b"", "ProviderUnavailable", 3),
        (b"not HTTP\r\n\r\n", "ProviderUnavailable", 3),
        (head(100, "503 Service Unavailable") + b"cut", "ProviderUnavailable", 3),
    ],
    ids=["truncated", "malformed", "wrong form", "empty", "encoding", "redirect", "hung up", "no HTTP", "cut error"],
)
def test_what_comes_back_broken(peer: Callable[[Act], Peer], answer: bytes, name: str, tries: int) -> None:
    server = peer(lambda connection: connection.sendall(answer))
    failure = failed(OpenAI(server.url), a_request())
    assert (failure.name, server.connections) == (name, tries)


def test_a_reply_that_is_too_large(peer: Callable[[Act], Peer]) -> None:
    server = peer(lambda connection: connection.sendall(head(MAX_REPLY_BYTES + 1) + b" " * (MAX_REPLY_BYTES + 1)))
    failure = failed(OpenAI(server.url), a_request())
    assert (failure.name, failure.message) == ("MalformedReply", "openai's reply is larger than 5000000 bytes")


def test_nobody_listens(peer: Callable[[Act], Peer]) -> None:
    server = peer(lambda connection: None)
    server.close()
    failure = failed(OpenAI(server.url), a_request())
    assert (failure.name, failure.message) == ("ProviderUnavailable", "openai could not be reached (ConnectError)")


@pytest.mark.row("C3")
def test_a_key_that_does_not_come() -> None:
    over = threading.Event()

    class StuckKey(FixedKey):
        def key(self, *, fresh: bool) -> str | None:
            over.wait(5)
            return super().key(fresh=fresh)

    assert failed(OpenAI(), a_request(limit_ms=100), StuckKey("late")).name == "DeadlineExceeded"
    over.set()
