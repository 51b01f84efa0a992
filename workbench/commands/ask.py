"""``signalbox ask``: one question to a running stack, as any OpenAI client would ask it."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.problem import Problem
from workbench.stack import LocalStack

app = typer.Typer()


@app.command()
def ask(
    text: Annotated[str, typer.Argument(help="The question; - reads it from standard input.")],
    model: Annotated[str, typer.Option(help="auto, a role or a roster id.")] = "auto",
    conversation: Annotated[Path | None, typer.Option(help="A JSON list of messages that came before.")] = None,
    conversation_id: Annotated[
        str | None, typer.Option(help="A stored conversation that this is the next turn of.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="The longest answer, in tokens.")] = None,
    base_url: Annotated[str | None, typer.Option(envvar="SIGNALBOX_BASE_URL", help="Ends in /v1.")] = None,
    api_key: Annotated[str | None, typer.Option(envvar="SIGNALBOX_API_KEY", help="A Signalbox key.")] = None,
) -> None:
    """Print the answer, then who gave it, why, and what it cost. Without a URL: the stack that `make run` started."""
    import openai

    local = LocalStack.read()
    base_url, api_key = base_url or local.base_url, api_key or local.api_key
    if not base_url or not api_key:
        raise Problem("nothing to ask: start Signalbox with `make run`, or give --base-url and --api-key.")
    messages = [*_before(conversation), {"role": "user", "content": sys.stdin.read() if text == "-" else text}]
    given: dict[str, Any] = {"model": model, "messages": messages}
    if max_tokens:
        given["max_completion_tokens"] = max_tokens
    if conversation_id:
        hints = {"conversation_id": conversation_id, "conversation_history": "new"}
        given["extra_body"] = {"signalbox": hints}
    try:
        reply = openai.OpenAI(base_url=base_url, api_key=api_key, max_retries=0).chat.completions.create(**given)
    except openai.APIConnectionError:
        raise Problem(f"{base_url} does not answer; is `make run` still running?") from None
    except openai.APIStatusError as error:
        raise Problem(f"{error.status_code} {error.code or ''}: {_message(error.body)}") from None
    choice = reply.choices[0].message
    typer.echo(choice.content or choice.refusal or json.dumps([call.to_dict() for call in choice.tool_calls or []]))
    typer.secho(_facts(reply.to_dict()), dim=True, err=True)


def _before(conversation: Path | None) -> list[dict[str, Any]]:
    """Raises Problem when the file is no JSON list."""
    if conversation is None:
        return []
    try:
        messages = json.loads(conversation.read_text())
    except (OSError, ValueError) as error:
        raise Problem(f"{conversation}: {error}") from None
    if not isinstance(messages, list):
        raise Problem(f"{conversation}: a JSON list of messages was expected")
    return messages


def _message(body: object) -> str:
    return str(body.get("message")) if isinstance(body, dict) else str(body)


def _facts(reply: dict[str, Any]) -> str:
    facts, usage = reply.get("signalbox", {}), reply.get("usage", {})
    words = [
        f"{reply['model']}",
        f"route {facts.get('route')}",
        f"{usage.get('prompt_tokens')} tokens in, {usage.get('completion_tokens')} out",
        f"{facts.get('cost_microusd', 0) / 1e6:.6f} USD",
        f"{facts.get('latency_ms')} ms",
    ]
    if told := facts.get("conversation"):
        words.append(f"{told['id']} version {told['version']}" + ("" if told["saved"] else ", not saved"))
    if facts.get("cached"):
        words.append(f"cached, {facts['age_s']} s old")
    return " · ".join(words) + (" · simulated" if facts.get("simulated") else "")
