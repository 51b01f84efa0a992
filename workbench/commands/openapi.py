"""``signalbox openapi``: the API's description, generated from the dialects' own models."""

from typing import Annotated

import typer

from workbench.openapi import FILE, text

app = typer.Typer()


@app.command()
def openapi(
    write: Annotated[bool, typer.Option("--write", help="Renew the file that the router serves.")] = False,
) -> None:
    """Print the OpenAPI 3.1 document."""
    if write:
        FILE.write_text(text(), encoding="utf-8")
    else:
        typer.echo(text(), nl=False)
