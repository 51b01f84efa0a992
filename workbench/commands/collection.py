"""`signalbox collection`: makes collections of documents, uploads them, and shows what a question finds in one."""

from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from signalbox.retrieval.index import search_file
from signalbox.retrieval.sqlite import object_key
from workbench.passages.build import build as build_file
from workbench.passages.documents import MOST_CHARACTERS
from workbench.passages.push import checked
from workbench.passages.push import push as push_file
from workbench.paths import STATE
from workbench.problem import Problem
from workbench.stack import Stack, StackNotFound

app = typer.Typer(no_args_is_help=True, help="Documents that replies are grounded in and cite.")

FOLDER = STATE / "collections"


@app.command()
def build(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Of Markdown and plain text.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The file; .signalbox/collections/DIR.sqlite without it.")
    ] = None,
) -> None:
    """Make one file of a folder of documents, its passages by their headings."""
    file = out or FOLDER / object_key(folder.resolve().name)
    passages = build_file(folder, file)
    typer.echo(f"{file}: {passages} passages, {file.stat().st_size} bytes")


@app.command()
def push(
    file: Annotated[Path, typer.Argument(help="As `build` made it.")],
    name: Annotated[str | None, typer.Option("--name", help="As the policy calls it; the file's own name.")] = None,
    stack_name: Annotated[str | None, typer.Option("--stack", help="Stack name; the local stack without one.")] = None,
    endpoint_url: Annotated[str | None, typer.Option("--endpoint-url", help="AWS endpoint, for a local stack.")] = None,
) -> None:
    """Upload a collection to a stack."""
    name = name or file.stem
    try:
        stack = Stack.find(stack_name, endpoint_url)
        push_file(stack, file, name)
    except (StackNotFound, ClientError, BotoCoreError) as error:
        raise Problem(str(error)) from None
    typer.echo(f"{name} is in stack {stack.name}; warm routers take it up within five minutes.")


@app.command()
def search(
    file: Annotated[Path, typer.Argument(help="As `build` made it.")],
    query: Annotated[str, typer.Argument(help="A question, as a user would ask it.")],
    passages: Annotated[int, typer.Option(min=1, max=20, help="How many, at most.")] = 4,
) -> None:
    """Show the passages that a question finds, best first."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    found = search_file(checked(file), query, passages, MOST_CHARACTERS)
    for one in found:
        console.print(Text.assemble((f"[doc:{one.id}]", "bold cyan"), " ", (one.title, "bold")))
        console.print(Text(f"{one.text}\n"))
    if not found:
        console.print("Nothing fits.")
