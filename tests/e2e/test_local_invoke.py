"""The events in `events/`, run by `sam local invoke` in AWS's own runtime against the deployed stack."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from workbench.local.containers import host_address
from workbench.local.invocable import TEMPLATE_NAME, VARIABLES_NAME
from workbench.local.ministack import client_environment
from workbench.local.stack import Running
from workbench.paths import BIN, ROOT

pytestmark = pytest.mark.row("D4")
EVENTS = ROOT / "events"


@pytest.fixture(scope="module")
def engine() -> None:
    """Skips where no container engine answers."""
    if host_address() is None:
        pytest.skip("no container engine answers; sam local invoke needs Docker, Finch or podman")


def invoke(running: Running, files: Path, function: str, event: dict[str, Any]) -> Any:
    """What the function answered, parsed."""
    given = files / "event.json"
    given.write_text(json.dumps(event))
    command = [
        *(str(BIN / "sam"), "local", "invoke", function, "--event", str(given), "--skip-pull-image"),
        *("--template", str(files / TEMPLATE_NAME), "--env-vars", str(files / VARIABLES_NAME)),
    ]
    environment = client_environment(running.local.endpoint_url)
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def connected(running: Running, files: Path, function: str, event: dict[str, Any]) -> Any:
    """What the function answered. Asked again where the bridge, new with each container, drops packets."""
    for _ in range(3):
        answer = invoke(running, files, function, event)
        if "ConnectTimeout" not in json.dumps(answer):
            break
    return answer


def event(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / name).read_text())
    return loaded


@pytest.mark.usefixtures("engine")
def test_the_router_decides_and_asks_an_adapter(running: Running, files: Path) -> None:
    answer = connected(running, files, "RouterFunction", event("router_chat_completions.json"))
    assert answer["statusCode"] == 200, answer
    assert json.loads(answer["body"])["choices"][0]["message"]["content"]


@pytest.mark.usefixtures("engine")
def test_an_adapter_fetches_its_key_and_asks_the_provider(running: Running, files: Path) -> None:
    request = event("adapter_anthropic.json") | {"deadline_at_ms": 4_000_000_000_000}
    answer = connected(running, files, "ClaudeHaiku55Adapter", request)
    assert answer["failure"] is None, answer
    assert answer["reply"]["model"] == "claude-haiku-5-5"


@pytest.mark.usefixtures("engine")
def test_the_authorizer_lets_a_real_key_in(running: Running, files: Path) -> None:
    request = event("authorizer_bearer.json")
    request["headers"]["Authorization"] = f"Bearer {running.local.api_key}"
    answer = connected(running, files, "AuthorizerFunction", request)
    assert answer["policyDocument"]["Statement"][0]["Effect"] == "Allow"
    assert answer["context"]["caller"] == "local"
