"""``signalbox policy``: checks policies, and writes the schema that editors check them with."""

import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

import signalbox.policy
from signalbox.policy.document import json_schema_text
from signalbox.policy.lint import check as find_problems
from signalbox.policy.load import decode
from signalbox.policy.problems import PolicyInvalid, Problem
from signalbox.pricing.table import load_prices

app = typer.Typer(no_args_is_help=True, help="Routing policies: check them, and their schema for editors.")

SCHEMA_FILE = Path(signalbox.policy.__path__[0]) / "model-routing.schema.json"


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Policy files", metavar="FILE...")],
    now: Annotated[str | None, typer.Option(help="ISO 8601; the day that retirement dates are held against")] = None,
) -> None:
    """Print every problem with its place and a way out. Exit 1 on any error; warnings alone exit 0."""
    day = _day(now)
    problems = [problem for file in files for problem in _problems(file, day)]
    for problem in problems:
        typer.echo(str(problem))
    errors = sum(problem.severity == "error" for problem in problems)
    typer.echo(_summary(files, errors, len(problems) - errors), err=True)
    if errors:
        raise typer.Exit(1)


@app.command()
def schema(
    write: Annotated[bool, typer.Option("--write", help="Write it beside the shipped policy instead")] = False,
) -> None:
    """Print the JSON Schema of a policy file."""
    if write:
        SCHEMA_FILE.write_text(json_schema_text(), "utf-8")
    else:
        sys.stdout.write(json_schema_text())


def _problems(file: Path, day: date) -> list[Problem]:
    try:
        text = decode(file.read_bytes(), str(file))
    except OSError as error:
        return [Problem(str(file), 1, 1, "unreadable", error.strerror or "cannot be read", "check the path")]
    except PolicyInvalid as error:
        return error.problems
    prices = load_prices()
    today = prices.at(day)

    def worst(provider: str, model: str, input_tokens: int, output_tokens: int) -> int | None:
        known = today.has(provider, model)
        return today.worst_cost_microusd(provider, model, input_tokens, output_tokens) if known else None

    return find_problems(text, str(file), day, prices.has, worst)


def _day(now: str | None) -> date:
    if now is None:
        return datetime.now(UTC).date()
    try:
        moment = datetime.fromisoformat(now)
    except ValueError as error:
        raise typer.BadParameter(f"{now} is not ISO 8601", param_hint="--now") from error
    return (moment.astimezone(UTC) if moment.tzinfo else moment).date()


def _summary(files: Iterable[Path], errors: int, warnings: int) -> str:
    return f"{len(list(files))} checked: {_count(errors, 'error')}, {_count(warnings, 'warning')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
