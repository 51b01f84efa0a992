"""A Knowledge Base that is asked over HTTP and answers in the shapes of AWS's own service model.

Not MiniStack's: that one spells the fields of its answer otherwise than the model, so AWS's SDK reads nothing in it.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.session import Session
from botocore.validate import ParamValidator

BASE = "ABCDE12345"


@cache
def retrieve() -> Any:
    """AWS's description of the operation."""
    return Session().get_service_model("bedrock-agent-runtime").operation_model("Retrieve")


def _valid(shape: Any, value: dict[str, Any]) -> dict[str, Any]:
    """Raises ``AssertionError`` where ``value`` is not of ``shape``."""
    report = ParamValidator().validate(value, shape)
    assert not report.has_errors(), report.generate_report()
    unknown = set(value) - set(shape.members)
    assert not unknown, unknown
    return value


@dataclass
class Double:
    """Answers ``results``, or ``status`` and ``error``."""

    url: str = ""
    results: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    error: str = ""
    raw: bytes | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def answer(self, path: str, body: bytes) -> bytes:
        base = path.removeprefix("/knowledgebases/").removesuffix("/retrieve")
        self.asked.append(_valid(retrieve().input_shape, {"knowledgeBaseId": base, **json.loads(body)}))
        if self.raw is not None:
            return self.raw
        if self.error:
            return json.dumps({"message": f"what you asked was {body.decode()}"}).encode()
        return json.dumps(_valid(retrieve().output_shape, {"retrievalResults": self.results})).encode()


@contextmanager
def knowledge_base_double() -> Iterator[Double]:
    double = Double()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            double.headers.append(dict(self.headers))
            body = double.answer(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(double.status)
            if double.error:
                self.send_header("x-amzn-ErrorType", f"{double.error}:http://internal.amazon.com/coral/")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        double.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield double
        finally:
            server.shutdown()
            thread.join(5)
