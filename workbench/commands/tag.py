"""``signalbox tag``: what the tagger makes of each prompt of a CSV file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from workbench.progress import console
from workbench.tagging.files import STANDARD, reading, writing
from workbench.tagging.prompts import PromptsError, read_prompts
from workbench.tagging.score import score, shipped

app = typer.Typer()

# Rows between two looks at the bar: a look takes as long as a tenth of a row.
_EVERY = 64

In = Annotated[
    Path,
    typer.Option(
        "--prompts", help="CSV with prompt_id and prompt: a text, or a JSON list of messages; - reads standard input."
    ),
]
Out = Annotated[Path, typer.Option("--out", help="CSV, a row for each prompt, in order; - writes standard output.")]


@app.command()
def tag(prompts: In, out: Out) -> None:
    """Tag the prompts of a CSV file. Exit code 2 for a file that cannot be read or written, and nothing is written."""
    try:
        _check(prompts, out)
        tagger = shipped()
        with reading(prompts) as (lines, raw), writing(out) as rows, _bar(prompts, raw) as done:
            score(read_prompts(lines), tagger, rows, done)
    except PromptsError as error:
        name = "standard input" if prompts == STANDARD else prompts
        raise typer.BadParameter(f"{name}: {error}", param_hint="--prompts") from None
    except BrokenPipeError:
        raise  # whoever reads our output has enough of it: no error of the files
    except OSError as error:
        raise typer.BadParameter(f"{error.filename or out}: {error.strerror}") from None


def _check(prompts: Path, out: Path) -> None:
    """Before the weights are read: a slip of the keyboard is told at once."""
    if prompts != STANDARD and not prompts.exists():
        raise typer.BadParameter(f"there is no file {prompts}", param_hint="--prompts")
    if prompts.is_dir() or out.is_dir():
        raise typer.BadParameter("a folder; name a file", param_hint="--prompts" if prompts.is_dir() else "--out")
    if out != STANDARD and not out.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {out.parent}", param_hint="--out")


@contextmanager
def _bar(prompts: Path, raw: BinaryIO) -> Iterator[Callable[[int], None]]:
    """By bytes read, of which the total is known beforehand; of standard input the rows alone."""
    total = prompts.stat().st_size if prompts.is_file() else None
    columns = (BarColumn(), TextColumn("{task.fields[rows]:,} rows"), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("Tagging"), *columns, console=console) as progress:
        task, last = progress.add_task("Tagging", total=total, rows=0), 0

        def done(rows: int) -> None:
            nonlocal last
            last = rows
            if rows % _EVERY == 0:
                progress.update(task, rows=rows, completed=raw.tell() if total else 0)

        yield done
        progress.update(task, rows=last, total=total or last, completed=total or last)
