"""``signalbox run``: Signalbox on this machine, in the foreground, until Ctrl-C."""

import shlex
import time
from typing import Annotated

import httpx
import typer

from workbench.local.containers import host_address
from workbench.local.live_log import HEADER, as_line, decisions
from workbench.local.processes import stopped_by_signals
from workbench.local.providers import from_environment
from workbench.local.stack import Ports, Running, local_stack, written_down
from workbench.paths import LOCAL_FILE, ROOT
from workbench.problem import Problem
from workbench.stack import LocalStack

app = typer.Typer()

QUESTION = "My card was charged twice. What now?"


@app.command()
def run(
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Where the API and the rest of AWS listen on 127.0.0.1.")
    ] = Ports.aws,
    simulator_port: Annotated[
        int, typer.Option(min=1, max=65535, help="Where the provider simulator listens.")
    ] = Ports.simulator,
    stack: Annotated[str, typer.Option(help="The stack's name.")] = "signalbox",
    speed: Annotated[float, typer.Option(min=0, help="Scales the simulated models' waiting; 0 waits for nothing.")] = 1,
    containers: Annotated[bool, typer.Option("--containers", help="Let containers in: `sam local invoke`.")] = False,
) -> None:
    """Build, deploy to this machine, print how to call it, then show each decision. Ctrl-C stops everything."""
    if (there := already_running()) is not None:
        raise Problem(f"a stack of this checkout is running at {there}; stop it first, or use another checkout.")
    address = host_address() if containers else None
    if containers and address is None:
        raise Problem("--containers: no container engine answers; start Docker, Finch or podman.")
    try:
        with (
            stopped_by_signals(),
            local_stack(from_environment, Ports(port, simulator_port), stack, speed, containers=address) as running,
            written_down(running.local, LOCAL_FILE),
        ):
            typer.echo(introduction(running))
            follow(running)
    except KeyboardInterrupt:
        typer.echo("\nStopped.")


def already_running() -> str | None:
    """The endpoint in ``.signalbox/local.json``, where something still answers there."""
    local = LocalStack.read()
    if not local.endpoint_url:
        return None
    try:
        httpx.get(f"{local.endpoint_url}/_ministack/ready", timeout=2)
    except httpx.HTTPError:
        return None
    return local.endpoint_url


def introduction(running: Running) -> str:
    """The URL, the key, three calls to copy, and who answers."""
    url, key = running.local.base_url, running.local.api_key
    body = '{"model": "auto", "messages": [{"role": "user", "content": "' + QUESTION + '"}]}'
    real, simulated = running.providers.real, running.providers.simulated
    who = [f"real: {', '.join(real)}"] if real else []
    who += [f"simulated at {running.simulator_url}: {', '.join(simulated)}"] if simulated else []
    return f"""
Signalbox is running.
  URL   {url}
  key   {key}
  providers   {"; ".join(who)}
  written to {LOCAL_FILE.relative_to(ROOT)}

With curl:
  curl -s {url}/chat/completions -H "Authorization: Bearer {key}" \\
    -H "Content-Type: application/json" -d {shlex.quote(body)}

With the openai SDK:
  from openai import OpenAI
  client = OpenAI(base_url="{url}", api_key="{key}")
  reply = client.chat.completions.create(model="auto", messages=[{{"role": "user", "content": "{QUESTION}"}}])

With the command:
  .venv/bin/signalbox ask "{QUESTION}"

Ctrl-C stops everything. Decisions as they are made:

{HEADER}"""


def follow(running: Running) -> None:
    """Prints each decision until interrupted."""
    group = running.stack.output("RouterLogGroup")
    for entry in decisions(running.stack, group, int(time.time() * 1000)):
        typer.echo(as_line(entry))
