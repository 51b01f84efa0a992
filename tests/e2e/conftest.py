"""One deployed stack for all end-to-end tests, on ports of its own, with every provider simulated."""

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import openai
import pytest

from signalbox.policy.load import load_resource
from tests.e2e.calling import database
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
    if any(entry["status"] != 200 or entry["fault"] for entry in handle.journal()):
        heal(running)
    handle.close()


def heal(running: Running) -> None:
    """Makes the routers forget how ill a test made the models; they look again after a second."""
    store, table = database(running), running.stack.output("CountersTable")
    for model in load_resource().roster:
        counter = {"counter": f"model#{model}"}
        names, values = {"#c": "counter"}, {":c": counter["counter"]}
        for item in store.query(table, "#c = :c", values, names=names, consistent=True):
            if item["window"].startswith("health#"):
                store.delete(table, {**counter, "window": item["window"]})
    time.sleep(1.2)
