"""``signalbox build``: the packages for AWS."""

from enum import StrEnum
from typing import Annotated

import typer

from workbench.build import Target
from workbench.build import build as build_packages
from workbench.paths import ROOT
from workbench.progress import console

app = typer.Typer()

NEWEST_RUNTIME = "python3.14"


class Architecture(StrEnum):
    """Lambda's processors."""

    ARM64 = "arm64"
    X86_64 = "x86_64"


RuntimeOption = Annotated[str, typer.Option(help="Lambda runtime, such as python3.13.")]
ArchitectureOption = Annotated[Architecture, typer.Option(help="Lambda's processor.")]


@app.command()
def build(runtime: RuntimeOption = NEWEST_RUNTIME, architecture: ArchitectureOption = Architecture.ARM64) -> None:
    """Build layers and functions for Lambda, print their sizes and check them against pyproject.toml."""
    target = Target(runtime, architecture.value, local=False)
    build_packages(target)
    console.print(f"Built in {target.directory.relative_to(ROOT)}")
