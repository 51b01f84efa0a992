"""``signalbox deploy``: the stack in the AWS account of your credentials."""

import os
import subprocess
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from workbench.build import Target, parameter_overrides
from workbench.build import build as build_packages
from workbench.commands.build import NEWEST_RUNTIME, Architecture, ArchitectureOption, RuntimeOption
from workbench.passages.build import build_all
from workbench.passages.push import push_all
from workbench.paths import BIN, COLLECTIONS, ROOT, STATE
from workbench.problem import Problem
from workbench.stack import Stack, StackNotFound

app = typer.Typer()


@app.command()
def deploy(
    stack: Annotated[str, typer.Option(help="The stack's name.")] = "signalbox",
    region: Annotated[str | None, typer.Option(help="AWS region; that of your profile without it.")] = None,
    runtime: RuntimeOption = NEWEST_RUNTIME,
    architecture: ArchitectureOption = Architecture.ARM64,
    parameter: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of the template's, repeatable.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before the change set is executed.")] = False,
) -> None:
    """Build for Lambda, show the change set, deploy it, and say what to do next."""
    given = dict(_pair(one) for one in parameter or [])
    target = Target(runtime, architecture.value, local=False)
    build_packages(target)
    command = [
        *(str(BIN / "sam"), "deploy", "--template-file", str(target.template), "--stack-name", stack),
        *("--config-file", str(ROOT / "samconfig.toml")),
        *(["--region", region] if region else []),
        *(["--no-confirm-changeset"] if yes else []),
        *parameter_overrides(target, given),
    ]
    if subprocess.run(command, cwd=ROOT, env={**os.environ, "SAM_CLI_TELEMETRY": "0"}, check=False).returncode:
        raise Problem("sam deploy failed; its own words are above.")
    try:
        push_all(Stack(stack, region=region or ""), build_all(COLLECTIONS, STATE / "collections"))
    except (StackNotFound, ClientError, BotoCoreError) as error:
        raise Problem(f"deployed, but its collections could not be put there: {error}") from None
    typer.echo(
        f"\nDeployed. Next:\n  signalbox secrets set anthropic --stack {stack}   (and openai, gemini)\n"
        f"  signalbox keys create --caller NAME --stack {stack}"
    )


def _pair(text: str) -> tuple[str, str]:
    """Raises Problem for anything but NAME=VALUE."""
    name, separator, value = text.partition("=")
    if not separator:
        raise Problem(f"--parameter {text}: NAME=VALUE was expected")
    return name, value
