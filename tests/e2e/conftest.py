"""One deployed stack for all end-to-end tests, on ports of its own, with every provider simulated."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import openai
import pytest

from workbench.local.containers import host_address
from workbench.local.processes import free_port, stopped_by_signals
from workbench.local.providers import simulated
from workbench.local.stack import Ports, Running, local_stack
from workbench.simulator.testing import Running as Simulator

STACK = "signalbox-e2e"
# 200 callers at once are to meet the policy's limits, not the gateway's.
PARAMETERS = {"StandardRequestsPerSecond": "2000", "PremiumRequestsPerSecond": "2000"}


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stack's logs are, and what `sam local invoke` reads."""
    return tmp_path_factory.mktemp("stack")


@pytest.fixture(scope="session")
def running(files: Path) -> Iterator[Running]:
    """The real template, deployed; the simulator answers without waiting."""
    ports = Ports(free_port(), free_port())
    with (
        stopped_by_signals(),
        local_stack(
            simulated, ports, STACK, speed=0, files=files, parameters=PARAMETERS, containers=host_address()
        ) as stack,
    ):
        yield stack


@pytest.fixture(scope="session")
def client(running: Running) -> openai.OpenAI:
    """The official SDK, unchanged; it retries nothing, so that every error is seen."""
    return openai.OpenAI(base_url=running.local.base_url, api_key=running.local.api_key, max_retries=0)


@pytest.fixture
def simulator(running: Running) -> Iterator[Simulator]:
    """The providers' double: no faults and an empty journal at the start, no faults after."""
    port = urlsplit(running.simulator_url or "").port
    assert port is not None
    handle = Simulator(port)
    handle.clear_faults()
    handle.clear_journal()
    yield handle
    handle.clear_faults()
    handle.close()
