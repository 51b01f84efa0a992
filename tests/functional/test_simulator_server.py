"""The simulator as a process: faults on the wire, the journal, waiting, the command line."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from workbench.simulator.models import load_models
from workbench.simulator.testing import Running, running

ROOT = Path(__file__).parents[2]


@pytest.fixture
def sim() -> Iterator[Running]:
    with running() as simulator:
        yield simulator


def ask(sim: Running, text: str = "Hello", **more: Any) -> httpx.Response:
    body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": text}]} | more
    url = f"{sim.url}/v1/chat/completions"
    return httpx.post(url, headers={"authorization": "Bearer k"}, json=body, trust_env=False)


def test_a_reset_aborts_the_connection(sim: Running) -> None:
    sim.faults(kind="reset", times=1)
    with pytest.raises(httpx.ReadError):
        ask(sim)
    assert (sim.journal()[0]["status"], sim.journal()[0]["fault"]) == (0, "reset")
    assert ask(sim).status_code == 200


def test_a_truncated_body_is_shorter_than_promised(sim: Running) -> None:
    sim.faults(kind="truncate", times=1)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        ask(sim)


def test_malformed_json_comes_in_a_whole_response(sim: Running) -> None:
    sim.faults(kind="malformed", times=1)
    response = ask(sim)
    assert response.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        response.json()


def test_a_drip_brings_the_whole_body_bit_by_bit(sim: Running) -> None:
    sim.faults(kind="drip", delay_ms=1, times=1)
    with httpx.stream(
        "POST",
        f"{sim.url}/v1/chat/completions",
        headers={"authorization": "Bearer k"},
        json={"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hi"}]},
        trust_env=False,
    ) as response:
        parts = list(response.iter_raw())
    assert len(parts) > 20
    assert json.loads(b"".join(parts))["object"] == "chat.completion"


def test_a_delay_outlasts_a_clients_patience(sim: Running) -> None:
    sim.faults(kind="delay", delay_ms=3000, times=1)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{sim.url}/v1/chat/completions",
            headers={"authorization": "Bearer k"},
            json={"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hi"}]},
            timeout=0.2,
            trust_env=False,
        )


def test_a_fault_strikes_exactly_its_times_under_load(sim: Running) -> None:
    sim.faults(kind="status", status=500, times=7)
    with ThreadPoolExecutor(8) as pool:
        statuses = [response.status_code for response in pool.map(lambda n: ask(sim, str(n)), range(24))]
    assert (statuses.count(500), statuses.count(200)) == (7, 17)


def test_faults_can_be_cleared_and_bad_ones_are_refused(sim: Running) -> None:
    sim.faults(kind="status", status=500)
    assert ask(sim).status_code == 500
    sim.clear_faults()
    assert ask(sim).status_code == 200
    with pytest.raises(ValueError, match="kind"):
        sim.faults(kind="fire")


def test_the_journal_has_figures_and_no_text(sim: Running) -> None:
    ask(sim, "a secret sentence")
    ask(sim, model="gpt-none")
    first, second = sim.journal()
    assert "secret" not in json.dumps([first, second])
    assert (first["method"], first["path"], first["provider"]) == ("POST", "/v1/chat/completions", "openai")
    assert (first["model"], first["status"], second["model"], second["status"]) == ("gpt-4.1", 200, None, 404)
    assert first["input_tokens"] > 0
    assert first["output_tokens"] > 0
    assert first["at"].endswith("+00:00")
    sim.clear_journal()
    assert sim.journal() == []


def test_speed_scales_the_waiting() -> None:
    slow = load_models()[0].model_copy(
        update={"provider": "openai", "id": "slow", "ttft_ms": 300, "tokens_per_second": 1e6, "refuses": frozenset()}
    )
    with running(speed=0.5, models=[slow]) as sim:
        ask(sim, model="slow")
        assert sim.journal()[0]["latency_ms"] >= 150


def command(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "workbench.simulator", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_serves_until_told_to_stop() -> None:
    with command("--port", "0", "--speed", "0") as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert line.startswith("simulator: listening on http://127.0.0.1:")
            url = line.split()[-1]
            # A connection that stays open must not hold the process up.
            with httpx.Client(base_url=url, trust_env=False) as client:
                assert client.get("/_sim/health").json()["status"] == "ok"
                process.send_signal(signal.SIGTERM)
                assert process.wait(10) == 0
            assert process.stdout.read() == ""
        finally:
            process.kill()


def test_a_taken_port_is_one_line_and_exit_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with command("--port", str(port)) as process:
            output, complaint = process.communicate(timeout=20)
    assert (process.returncode, output) == (1, "")
    assert complaint == f"simulator: cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_a_models_file_replaces_the_roster(tmp_path: Path) -> None:
    bad = tmp_path / "models.yaml"
    bad.write_text("models: []\n")
    with command("--port", "0", "--models", str(bad)) as process:
        _, complaint = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "cannot read the models" in complaint
    assert "Traceback" not in complaint


def test_an_unread_request_leaves_the_server_well(sim: Running) -> None:
    with socket.create_connection(("127.0.0.1", sim.port)) as peer:
        peer.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    time.sleep(0.05)
    assert ask(sim).status_code == 200
