"""The provider double that no one here wrote: npm ``@copilotkit/aimock`` speaks all four wire formats."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Aimock:
    """A running double. ``url`` has no path: add what the provider's base URL ends in."""

    url: str
    control: httpx.Client

    def reply(self, response: dict[str, Any], **match: Any) -> None:
        """Answer a request that fits ``match`` with ``response``; the first fit of all holds.

        Both as aimock's fixture files spell them: ``userMessage``, ``toolCallId``, … and
        ``{"content": …}``, ``{"toolCalls": […]}``, ``{"error": …, "status": …}``.
        """
        self._post("/fixtures", {"fixtures": [{"match": match, "response": response}]})

    def fail_once(self, status: int, body: dict[str, Any]) -> None:
        """Answer the next request with ``status`` and, in the provider's own shape, an error of
        ``body``'s ``message``, ``type`` and ``code``."""
        self._post("/error", {"status": status, "body": body})

    def chaos(self, **faults: float) -> None:
        """Break every answer from now on: ``dropRate``, ``malformedRate``, ``disconnectRate``,
        ``rateLimitRate`` in 0..1, ``latencyMs``."""
        self._post("/chaos", faults)

    def journal(self) -> list[dict[str, Any]]:
        """What was asked of the double, oldest first: ``path``, ``headers``, ``body`` (as aimock
        understood it, in OpenAI's shape), ``response``."""
        entries: list[dict[str, Any]] = self.control.get("/__aimock/journal").raise_for_status().json()
        return entries

    def reset(self) -> None:
        """Forget fixtures, journal and chaos."""
        self._post("/reset", {})
        self.control.delete("/__aimock/chaos").raise_for_status()

    def _post(self, path: str, body: dict[str, Any]) -> None:
        answer = self.control.post(f"/__aimock{path}", json=body)
        assert answer.is_success, answer.text


@contextmanager
def running_aimock() -> Iterator[Aimock]:
    """Start the double; skip the test, with the reason, where Node or the package is missing."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed, so there is no aimock to speak to")
    if not (HERE / "node_modules" / "@copilotkit" / "aimock").is_dir():
        pytest.skip("aimock is not installed: run `npm ci` in tests/functional")
    process = subprocess.Popen([node, "aimock.mjs"], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        assert url, "aimock did not start"
        with httpx.Client(base_url=url, trust_env=False) as control:
            yield Aimock(url, control)
    finally:
        process.stdin.close()
        process.wait(timeout=10)
        process.stdout.close()
