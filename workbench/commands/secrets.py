"""`signalbox secrets`: puts the providers' own keys where the adapters look for them."""

import sys
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from workbench.stack import Stack, StackNotFound

app = typer.Typer(no_args_is_help=True, help="The providers' own keys.")

# Bedrock is called with the function's own role.
SECRET_OUTPUTS = {"anthropic": "AnthropicSecret", "openai": "OpenAISecret", "gemini": "GeminiSecret"}


def store_secret(stack: Stack, provider: str, value: str) -> None:
    """Makes ``value`` the provider's key. Adapters that are already warm take it up within five minutes."""
    secret = stack.output(SECRET_OUTPUTS[provider])
    stack.client("secretsmanager").put_secret_value(SecretId=secret, SecretString=value)


@app.callback()
def _group() -> None:
    """Keeps `set` a command of its own while it is the only one."""


@app.command("set")
def set_secret(
    provider: Annotated[str, typer.Argument(help=f"One of {', '.join(SECRET_OUTPUTS)}.")],
    stack_name: Annotated[str | None, typer.Option("--stack", help="Stack name; the local stack without one.")] = None,
    endpoint_url: Annotated[str | None, typer.Option("--endpoint-url", help="AWS endpoint, for a local stack.")] = None,
) -> None:
    """Store a provider's key, read from a prompt or from standard input, never from the command line."""
    if provider not in SECRET_OUTPUTS:
        typer.echo(f"No provider {provider}; there are {', '.join(SECRET_OUTPUTS)}.", err=True)
        raise typer.Exit(1)
    value = read_key(provider)
    if not value:
        typer.echo("Nothing was given, so nothing was changed.", err=True)
        raise typer.Exit(1)
    try:
        store_secret(Stack.find(stack_name, endpoint_url), provider, value)
    except (StackNotFound, ClientError, BotoCoreError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    typer.echo(f"The key for {provider} is stored; warm adapters take it up within five minutes.")


def read_key(provider: str) -> str:
    """Asked for without echo at a terminal, else the whole of standard input."""
    typed = typer.prompt(f"Key for {provider}", hide_input=True) if sys.stdin.isatty() else sys.stdin.read()
    return str(typed).strip()
