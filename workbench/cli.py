"""The `signalbox` command. A subcommand's module is imported only when it is called."""

import sys
from importlib import import_module
from typing import Any

import click
import typer
from typer.core import TyperGroup
from typer.main import get_command

from workbench.problem import Problem

COMMANDS = {
    "run": "Start Signalbox on this machine and follow its decisions.",
    "ask": "Ask the running stack one thing.",
    "explain": "Say which model a policy chooses for a request, and why. Offline.",
    "tag": "Tag the prompts of a CSV file: complexity, intent, how likely a fast model suffices.",
    "policy": "Check policy files.",
    "prices": "Prices of the models that the shipped policies name.",
    "collection": "Documents that replies are grounded in and cite.",
    "confidence": "How much each signal counts for a reply.",
    "keys": "Keys that callers use.",
    "secrets": "The providers' own keys.",
    "decisions": "What was decided for a caller's requests, and what came of it.",
    "metrics": "Read back what the stack measured.",
    "replay": "Send real traffic to the running stack and show the split.",
    "bench": "Cold start, package sizes, decision time.",
    "openapi": "The API's description.",
    "build": "Build the packages for AWS.",
    "deploy": "Build, then deploy to AWS.",
}


class LazyCommands(TyperGroup):
    """Knows every subcommand's name and help; imports the one that is called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        return click.Command(cmd_name, help=COMMANDS[cmd_name]) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        return name, get_command(import_module(f"workbench.commands.{name}").app), rest


app = typer.Typer(cls=LazyCommands, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)


@app.callback()
def signalbox() -> None:
    """Signalbox: the cheapest model that answers well enough, in your own AWS account."""


def main() -> None:
    """Exit code 1 and one message when something is wrong that a person can put right; 130 after Ctrl-C."""
    try:
        app()
    except Problem as problem:
        sys.exit(f"signalbox: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
