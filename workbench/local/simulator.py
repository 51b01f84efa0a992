"""The provider simulator as a process beside the stack."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.local.ministack import answers
from workbench.local.processes import HOST, background, check_port
from workbench.paths import STATE


@contextmanager
def simulator(port: int, speed: float = 1.0, log: Path = STATE / "simulator.log") -> Iterator[str]:
    """Runs the simulator on ``port`` until the block ends and gives its URL.

    ``speed`` scales the models' waiting; 0 waits for nothing. Raises Problem when the port is taken.
    """
    check_port(port, "the provider simulator", "--simulator-port")
    url = f"http://{HOST}:{port}"
    command = [sys.executable, "-m", "workbench.simulator", "--port", str(port), "--speed", str(speed)]
    with background("the simulator", command, log, dict(os.environ), lambda: answers(f"{url}/_sim/health")):
        yield url
