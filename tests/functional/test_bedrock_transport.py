"""Peers that no double plays: silent, dripping, breaking off. Plain sockets on 127.0.0.1."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from adapters.bedrock.provider import BedrockProvider
from signalbox.adapters.provider import AdapterError
from signalbox.contracts.adapters import AdapterFailure
from signalbox.transport.sigv4 import Keys
from tests.unit.adapters.samples import a_request

Behaviour = Callable[[socket.socket, threading.Event], None]
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"


def _silent(peer: socket.socket, over: threading.Event) -> None:
    over.wait(10)


def _dripping(peer: socket.socket, over: threading.Event) -> None:
    peer.sendall(_HEAD)
    while not over.wait(0.02):
        peer.sendall(b" ")


def _breaking_off(peer: socket.socket, over: threading.Event) -> None:
    peer.sendall(_HEAD + b'{"output": ')


def _hanging_up(peer: socket.socket, over: threading.Event) -> None:
    """Before a single byte."""


@contextmanager
def _peer(behave: Behaviour) -> Iterator[str]:
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                try:
                    behave(connection, over)
                except OSError:
                    return  # the caller has gone

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            thread.join(5)


def _failure(base_url: str, time_left_ms: int) -> AdapterFailure:
    provider = BedrockProvider("us-east-1", base_url, lambda: Keys("a", "b"), httpx.Client)
    with pytest.raises(AdapterError) as raised:
        provider.attempt(a_request(), time_left_ms)
    return raised.value.failure


@pytest.mark.row("C3")
@pytest.mark.parametrize("behave", [_silent, _dripping])
def test_the_deadline_holds_whatever_the_peer_does(behave: Behaviour) -> None:
    with _peer(behave) as base_url:
        failure = _failure(base_url, 300)

    assert (failure.name, failure.limit) == ("DeadlineExceeded", 5_000)
    assert failure.message == "model_inference_deadline_exceeded at 5000ms (roster-model)"


@pytest.mark.parametrize(
    ("behave", "name", "words"),
    [(_breaking_off, "MalformedReply", ""), (_hanging_up, "ProviderUnavailable", "could not be reached")],
)
def test_a_connection_that_ends_early(behave: Behaviour, name: str, words: str) -> None:
    with _peer(behave) as base_url:
        failure = _failure(base_url, 5_000)

    assert (failure.name, words in failure.message) == (name, True)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert _failure(f"http://127.0.0.1:{port}", 5_000).name == "ProviderUnavailable"
