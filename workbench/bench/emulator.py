"""Cold starts under AWS's own Runtime Interface Emulator: init, first call, warm calls."""

import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from signalbox.contracts.adapters import AdapterReply, AdapterResult, Usage
from workbench.bench.imports import ENVIRONMENT, HANDLERS, lambda_path
from workbench.build import Target
from workbench.paths import ROOT
from workbench.simulator.testing import running

WARM_CALLS = 20
EVENTS = {
    "router": "router_chat_completions.json",
    "reconcile": "reconcile_schedule.json",
    "authorizer": "authorizer_x_api_key.json",
    "adapter anthropic": "adapter_anthropic.json",
    "adapter openai": "adapter_openai.json",
    "adapter gemini": "adapter_gemini.json",
    "adapter bedrock": "adapter_bedrock.json",
}


@dataclass(frozen=True)
class ColdStart:
    """``cold`` holds init and the first call, as the emulator does both then; CPU is the function's own process."""

    name: str
    cold_cpu_ms: float
    cold_wall_ms: float
    warm_wall_ms: float
    memory_mb: float


def emulator() -> Path | None:
    """The emulator that ships inside aws-sam-cli, where this machine can run it."""
    if sys.platform != "linux":
        return None
    spec = find_spec("samcli")
    machine = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "local" / "rapid" / f"aws-lambda-rie-{machine}"


def cold_starts(target: Target) -> list[ColdStart]:
    """One fresh emulator for each function; providers and Secrets Manager answer from this process."""
    binary = emulator()
    if binary is None:
        return []
    with running(speed=0) as simulator, _aws_double() as aws, lambda_path(target) as path:
        environment = {**ENVIRONMENT, "AWS_ENDPOINT_URL": aws, "PROVIDER_BASE_URL": simulator.url}
        return [_measure(binary, name, path, environment) for name in EVENTS]


def _measure(binary: Path, name: str, path: list[str], environment: dict[str, str]) -> ColdStart:
    text = (ROOT / "events" / EVENTS[name]).read_text()
    # A key of the right form, so that the authorizer looks it up.
    event = json.loads(text.replace("sb_REPLACE_WITH_A_KEY", f"sb_{'a' * 10}_{'x' * 43}"))
    if name == "adapter openai":
        environment = {**environment, "PROVIDER_BASE_URL": f"{environment['PROVIDER_BASE_URL']}/v1"}
    with _emulated(binary, HANDLERS[name], path, {**environment, "ROSTER_MODEL": event.get("model", "")}) as call:
        cold_wall = call.timed(event)
        cold_cpu, memory = call.process_figures()
        warm = [call.timed(event) for _ in range(WARM_CALLS)]
    return ColdStart(name, cold_cpu, cold_wall, statistics.median(warm), memory)


@dataclass
class Call:
    """One function behind one emulator, one request at a time."""

    url: str
    process: "subprocess.Popen[bytes]"

    def timed(self, event: dict[str, Any]) -> float:
        """Milliseconds until the answer. Raises RuntimeError when the function failed."""
        started = time.perf_counter()
        request = urllib.request.Request(self.url, data=json.dumps(event).encode())  # noqa: S310 loopback
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 loopback
            body = json.loads(answer.read())
        took = (time.perf_counter() - started) * 1000
        if isinstance(body, dict) and (
            "errorType" in body or body.get("failure") or body.get("statusCode", 200) != 200
        ):
            raise RuntimeError(f"the function failed under the emulator: {str(body)[:300]}")
        return took

    def process_figures(self) -> tuple[float, float]:
        """CPU milliseconds and peak megabytes of the emulator's child, the function itself."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        others = [
            child
            for task in Path(f"/proc/{self.process.pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
        child = next(iter(children or others))
        fields = Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()
        ticks = int(fields[11]) + int(fields[12])
        peak = next(line for line in Path(f"/proc/{child}/status").read_text().splitlines() if line.startswith("VmHWM"))
        return ticks * 1000 / os.sysconf("SC_CLK_TCK"), int(peak.split()[1]) / 1000


@contextmanager
def _emulated(binary: Path, module: str, path: list[str], environment: dict[str, str]) -> Iterator[Call]:
    front, back = _free_port(), _free_port()
    command = [
        *(str(binary), "--runtime-interface-emulator-address", f"127.0.0.1:{front}"),
        *("--runtime-api-address", f"127.0.0.1:{back}", "--log-level", "error"),
        *(sys.executable, "-m", "awslambdaric", f"{module}.handler"),
    ]
    variables = {**environment, "PYTHONPATH": os.pathsep.join(path), "PATH": os.environ["PATH"]}
    process = subprocess.Popen(
        command,
        env=variables,
        cwd=path[0],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(front)
        yield Call(f"http://127.0.0.1:{front}/2015-03-31/functions/function/invocations", process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("the emulator did not come up")


REPLY = AdapterReply(
    model="bench",
    model_version="bench",
    provider_request_id=None,
    text="fine",
    finish_reason="stop",
    usage=Usage(),
    cost_microusd=0,
    latency_ms=0,
)


AWS_SAYS: dict[str, Any] = {
    "secretsmanager.GetSecretValue": {"SecretString": "simulated", "Name": "bench"},
    "DynamoDB_20120810.BatchGetItem": {"Responses": {}, "UnprocessedKeys": {}},
    "DynamoDB_20120810.Query": {"Items": []},
}


class _Answers(BaseHTTPRequestHandler):
    """Secrets Manager with one secret, DynamoDB with nothing in it, Lambda whose adapters say "fine"."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path.endswith("/invocations"):
            body = AdapterResult(reply=REPLY).model_dump_json().encode()
        else:
            body = json.dumps(AWS_SAYS.get(self.headers.get("x-amz-target", ""), {})).encode()
        self.send_response(200)
        self.send_header("content-type", "application/x-amz-json-1.1")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class names it
        """Silent."""


@contextmanager
def _aws_double() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
