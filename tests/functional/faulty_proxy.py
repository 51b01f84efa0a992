"""A proxy in front of DynamoDB that breaks as networks and services do: before the work is done, or after."""

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import httpx

Fault = Literal[
    "dropped",  # done, and the connection ends without an answer
    "cut",  # done, and the connection ends within the answer
    "failed",  # not done: 500
    "throttled",  # not done: 400
    "garbled",  # done, and the answer is no JSON
    "flipped",  # done, and one byte of the answer is another
    "idle",  # done and answered; then the connection ends, which the client hears when it next uses it
    "hung",  # not done: no answer for as long as the proxy runs
]


class Proxy(ThreadingHTTPServer):
    """``faults`` are taken one a request; ``asked`` has the operation and the body of each."""

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = httpx.Client(base_url=upstream)
        self.faults: deque[Fault] = deque()
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.connections = 0
        self.ended = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append((self.headers["x-amz-target"].partition(".")[2], json.loads(body)))
        fault = self.server.faults.popleft() if self.server.faults else None
        if fault == "hung":
            self.server.ended.wait()
            self.close_connection = True
        elif fault == "failed":
            self._say(500, b'{"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError"}', {})
        elif fault == "throttled":
            self._say(400, b'{"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException"}', {})
        else:
            self._hand_on(body, fault)

    def _hand_on(self, body: bytes, fault: Fault | None) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        answer = self.server.upstream.post("/", content=body, headers=headers)
        said = {"x-amz-crc32": answer.headers["x-amz-crc32"]}
        self.close_connection = fault in ("dropped", "cut", "idle")
        if fault == "flipped":
            self._say(answer.status_code, answer.content[:-2] + b" }", said)
        elif fault == "garbled":
            self._say(answer.status_code, b"<html>", {})
        elif fault == "cut":
            self._say(answer.status_code, answer.content, said, missing=1)
        elif fault != "dropped":
            self._say(answer.status_code, answer.content, said)

    def _say(self, status: int, body: bytes, headers: dict[str, str], missing: int = 0) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) - missing])

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Silent."""


@contextmanager
def faulty_proxy(upstream: str) -> Iterator[Proxy]:
    with Proxy(upstream) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.ended.set()
            proxy.shutdown()
            proxy.upstream.close()
