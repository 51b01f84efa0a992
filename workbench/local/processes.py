"""Child processes that never outlive us: each in a group of its own, stopped whole."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

from workbench.problem import Problem

HOST = "127.0.0.1"
STOP_GRACE_S = 2.0
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def background(
    name: str,
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    ready: Callable[[], bool],
    timeout_s: float = 30,
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs ``command`` until the block ends; enters it once ``ready`` says so.

    Raises Problem, with the end of its log, when it dies first or is not ready in time.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output, uninterrupted() as release:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,  # a leash: it closes when we die, however we die
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        try:
            release()
            _await_ready(name, process, log, ready, time.monotonic() + timeout_s)
            yield process
        finally:
            _stop(process)


def _await_ready(
    name: str, process: subprocess.Popen[bytes], log: Path, ready: Callable[[], bool], until: float
) -> None:
    while not ready():
        if process.poll() is not None:
            raise Problem(f"{name} stopped while starting ({log}):\n{tail(log.read_text(errors='replace'))}")
        if time.monotonic() > until:
            raise Problem(f"{name} did not come up in time ({log}):\n{tail(log.read_text(errors='replace'))}")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends the whole group; nothing interrupts it."""
    with uninterrupted():
        _signal_group(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_GRACE_S)
        _signal_group(process, signal.SIGKILL)  # whatever it started and left behind
        process.wait()
        if process.stdin:
            process.stdin.close()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def run(name: str, command: Sequence[str], environment: Mapping[str, str], cwd: Path) -> str:
    """Runs ``command`` to its end and returns what it printed. Raises Problem, with the end of that, when it fails."""
    with uninterrupted() as release:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            release()
            output = process.communicate()[0].decode(errors="replace")
        except BaseException:
            _stop(process)
            raise
    if process.returncode:
        raise Problem(f"{name} failed:\n{tail(output, 25)}")
    return output


def tail(text: str, lines: int = 12) -> str:
    """The last lines, indented."""
    return "\n".join(f"  {line}" for line in text.rstrip().splitlines()[-lines:])


@contextlib.contextmanager
def uninterrupted() -> Iterator[Callable[[], None]]:
    """Holds Ctrl-C and SIGTERM back until the block ends or its ``release`` is called; then they arrive."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    held: list[int] = []
    before = {number: signal.signal(number, lambda number, _frame: held.append(number)) for number in STOPPING}

    def release() -> None:
        while before:
            number, handler = before.popitem()
            signal.signal(number, handler)
        if held:
            signal.raise_signal(held.pop())

    try:
        yield release
    finally:
        release()


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Makes SIGTERM and a closed terminal end the block as Ctrl-C does, so that everything is cleaned up."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread only
        return
    before = {number: signal.signal(number, interrupt) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def free_port() -> int:
    """A port on the loopback that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def check_port(port: int, what: str, option: str) -> None:
    """Raises Problem, naming the port and who has it where that is known, when it is taken."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            raise Problem(
                f"port {port}, meant for {what}, cannot be used: {error.strerror}{_holder(port)}. "
                f"Choose another with {option}."
            ) from None


def _holder(port: int) -> str:
    """Names the process that listens on ``port``, when a tool that knows is at hand."""
    if sys.platform == "linux" and shutil.which("ss"):
        command = ["ss", "-ltnpH", f"sport = :{port}"]
    elif shutil.which("lsof"):
        command = ["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fcp"]
    else:
        return ""
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    words = " ".join(found.split())
    return f" (held by {words.split('users:')[-1].strip('()')})" if words else ""
