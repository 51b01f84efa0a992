"""The whole of Signalbox on this machine: built, deployed to MiniStack by `sam deploy`, with a key to call it."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from signalbox.callers.keys import issue_key
from workbench.build import Target, build, parameter_overrides
from workbench.commands.keys import join_usage_plan, key_store
from workbench.commands.secrets import store_secret
from workbench.local.containers import reachable
from workbench.local.invocable import make_invocable
from workbench.local.ministack import REGION, client_environment, ministack
from workbench.local.processes import run
from workbench.local.providers import Providers
from workbench.local.simulator import simulator
from workbench.passages.build import build_all
from workbench.passages.push import push_all
from workbench.paths import BIN, COLLECTIONS, ROOT, STATE
from workbench.problem import Problem
from workbench.progress import step
from workbench.stack import LocalStack, Stack

CALLER = "local"
BUCKET = "signalbox-packages"  # as samconfig.toml names it


@dataclass(frozen=True)
class Ports:
    """Where on the loopback AWS and the simulator listen."""

    aws: int = 4570
    simulator: int = 4571


@dataclass(frozen=True)
class Running:
    """A deployed local stack: how to call it, and who answers."""

    local: LocalStack
    stack: Stack
    providers: Providers
    simulator_url: str | None


@contextmanager
def local_stack(
    choose: Callable[[str], Providers],
    ports: Ports = Ports(),
    name: str = "signalbox",
    speed: float = 1.0,
    files: Path = STATE,
    parameters: dict[str, str] | None = None,
    containers: str | None = None,
    enforce_iam: bool = False,
) -> Iterator[Running]:
    """Builds what is stale, starts everything, deploys, and stops everything when the block ends.

    ``choose`` says, given the simulator's URL, which providers are real; ``files`` is where logs go,
    and what `sam local invoke` reads; ``parameters`` override the template's; ``containers`` is this
    machine's address as containers know it, and lets them in; with ``enforce_iam`` every function may do
    what its role allows and no more. Raises Problem, everything stopped, when any stage fails.
    """
    providers = choose(f"http://127.0.0.1:{ports.simulator}")
    target = Target.this_machine()
    build(target)
    with ExitStack() as running:
        with step("Starting AWS on this machine"):
            environment = {**providers.environment, **({"AUTH": "true"} if enforce_iam else {})}
            url = running.enter_context(ministack(ports.aws, files / f"{name}-ministack.log", environment))
            simulated = None
            if providers.simulated:
                simulated = running.enter_context(simulator(ports.simulator, speed, files / f"{name}-simulator.log"))
        stack = Stack(name, url, REGION)
        with step("Deploying template.yaml"):
            _deploy(target, stack, {**providers.parameters, **(parameters or {})})
        for provider, key in providers.keys.items():
            store_secret(stack, provider, key)
        with step("Putting the collections where routers find them"):
            push_all(stack, build_all(COLLECTIONS, files / "collections"))
        with step("Issuing a key and asking for /v1/health"):
            local = _local(stack)
            _check(local)
        if containers:
            running.enter_context(reachable(containers, (ports.aws, ports.simulator)))
            make_invocable(stack, target, files, containers)
        yield Running(local, stack, providers, simulated)


def _deploy(target: Target, stack: Stack, parameters: dict[str, str]) -> None:
    stack.client("s3").create_bucket(Bucket=BUCKET)
    command = [
        *(str(BIN / "sam"), "deploy", "--template-file", str(target.template), "--stack-name", stack.name),
        *("--config-file", str(ROOT / "samconfig.toml"), "--config-env", "local", "--region", stack.region),
        *parameter_overrides(target, parameters),
    ]
    run("sam deploy", command, client_environment(stack.endpoint_url), ROOT)


def _local(stack: Stack) -> LocalStack:
    """Issues a key and says how to call the stack."""
    key, record = issue_key(key_store(stack), CALLER)
    join_usage_plan(stack, record)
    base_url = f"{stack.endpoint_url}/_aws/execute-api/{stack.output('ApiId')}/api/v1"
    return LocalStack(
        base_url=base_url, api_key=key, stack=stack.name, endpoint_url=stack.endpoint_url, region=stack.region
    )


def _check(local: LocalStack) -> None:
    """Raises Problem, with what came instead, unless the API says that it is well."""
    answer = httpx.get(f"{local.base_url}/health", timeout=30)
    if answer.status_code != 200:
        raise Problem(f"the deployed API answers {answer.status_code}: {answer.text[:500]}")


@contextmanager
def written_down(local: LocalStack, file: Path) -> Iterator[None]:
    """Keeps ``file``, readable by its owner alone, for as long as the block runs."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(json.dumps(asdict(local), indent=2) + "\n")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
