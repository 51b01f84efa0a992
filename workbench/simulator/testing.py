"""The simulator for tests: served for real, in a thread, on a free port."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from workbench.simulator.models import Model
from workbench.simulator.server import create_app
from workbench.simulator.serving import HOST, Server, bound

START_LIMIT_S = 10.0


class Running:
    """A simulator that is up. ``url`` has no slash at its end."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://{HOST}:{port}"
        self._http = httpx.Client(base_url=self.url, trust_env=False, timeout=10)

    def faults(self, **fault: Any) -> None:
        """Put a fault in force, given by the fields of ``faults.Fault``. Raises ``ValueError`` for a bad one."""
        answer = self._http.post("/_sim/faults", json=fault)
        if answer.status_code != 200:
            raise ValueError(answer.json()["error"])

    def clear_faults(self) -> None:
        """Forget all faults."""
        self._http.delete("/_sim/faults").raise_for_status()

    def journal(self) -> list[dict[str, Any]]:
        """The provider calls so far, oldest first."""
        entries: list[dict[str, Any]] = self._http.get("/_sim/journal").raise_for_status().json()["entries"]
        return entries

    def in_flight(self) -> int:
        """Calls that came and are not answered yet."""
        return int(self._http.get("/_sim/health").raise_for_status().json()["in_flight"])

    def clear_journal(self) -> None:
        """Start the journal afresh."""
        self._http.delete("/_sim/journal").raise_for_status()

    def close(self) -> None:
        """Close the connections of this handle; the server goes on."""
        self._http.close()


@contextmanager
def running(speed: float = 0, models: list[Model] | None = None) -> Iterator[Running]:
    """A simulator on a free port of the loopback interface, stopped on leaving. Raises ``TimeoutError``."""
    listener = bound(0)
    listening = threading.Event()
    server = Server(create_app(models, speed), listening.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    if not listening.wait(START_LIMIT_S):
        raise TimeoutError("the simulator did not start")
    handle = Running(listener.getsockname()[1])
    try:
        yield handle
    finally:
        handle.close()
        server.should_exit = True
        thread.join(START_LIMIT_S)
        listener.close()
