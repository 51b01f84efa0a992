"""Nothing that was started outlives the one who started it."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workbench.local.processes import background, check_port, free_port, run
from workbench.problem import Problem

# A child that ignores SIGTERM and has a child of its own.
STUBBORN = (
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid, flush=True); time.sleep(600)"
)
# Somebody who keeps such a child until a signal arrives.
KEEPER = """
import os, sys, time
from pathlib import Path
from workbench.local import processes
processes.STOP_GRACE_S = 0.2
log = Path(sys.argv[1])
try:
    with processes.stopped_by_signals():
        command = [sys.executable, "-c", sys.argv[2]]
        with processes.background("child", command, log, os.environ, log.read_text) as child:
            print(child.pid, flush=True)
            time.sleep(600)
except KeyboardInterrupt:
    sys.exit(130)
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def gone(pids: list[int]) -> bool:
    until = time.monotonic() + 10
    while any(alive(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.02)
    return not any(alive(pid) for pid in pids)


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGINT, signal.SIGTERM]])
def test_a_signal_ends_child_and_grandchild(tmp_path: Path, signals: list[signal.Signals]) -> None:
    log = tmp_path / "log"
    keeper = subprocess.Popen(
        [sys.executable, "-c", KEEPER, str(log), STUBBORN], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert keeper.stdout is not None
    pids = [int(keeper.stdout.readline()), int(log.read_text())]
    for number in signals:
        keeper.send_signal(number)
        time.sleep(0.05)
    assert keeper.wait(20) == 130
    keeper.stdout.close()
    assert gone(pids)


def test_a_child_that_dies_while_starting_is_reported_with_its_last_words(tmp_path: Path) -> None:
    dying = [sys.executable, "-c", "raise SystemExit('the reason')"]
    with (
        pytest.raises(Problem, match=r"(?s)the child stopped while starting.*the reason"),
        background("the child", dying, tmp_path / "log", os.environ, lambda: False),
    ):
        pass


def test_a_failing_tool_is_reported_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"(?s)the tool failed.*the reason"):
        run("the tool", [sys.executable, "-c", "raise SystemExit('the reason')"], os.environ, tmp_path)


def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Problem, match=rf"port {port}, meant for the API.*Choose another with --port"):
            check_port(port, "the API", "--port")
    check_port(free_port(), "the API", "--port")
