"""``python -m workbench.training --data DIR``: trains the tagger that ships and writes its weights and model card.

Seeded; on another processor the weights differ in the last digits. On two cores twenty minutes, and thirty for checks.
"""

import json
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from workbench.training import card, session, transfer
from workbench.training.corpus import Example, read_corpus, read_taxonomy
from workbench.training.export import arrays_of, word_grams, write
from workbench.training.golden import write_golden
from workbench.training.train import Recipe

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "layers/signalbox/signalbox/tagger"
CARD = ROOT / "docs/model-card.md"


class Bar:
    """A progress bar for each step; where nobody looks, a line every half minute."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description:12}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._console, self._progress, self._said = console, Progress(*columns, console=console), time.monotonic()
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, what: str, done: int, of: int) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=of)
        self._progress.update(self._tasks[what], completed=done, total=of)
        if not self._console.is_terminal and time.monotonic() - self._said > 30:
            self._said = time.monotonic()
            self._console.print(f"{what} {done}/{of}")


def main(
    data: Annotated[Path, typer.Option(help="The folder with train/ and traffic/.")] = Path("../shared/data"),
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = SHIPPED,
    card_file: Annotated[Path, typer.Option("--card", help="Where the model card goes.")] = CARD,
    epochs: Annotated[int, typer.Option(min=1)] = Recipe.epochs,
    threads: Annotated[int, typer.Option(min=1)] = 2,
    checks: Annotated[bool, typer.Option(help="Cross-validation and transfer between sources, for the card.")] = True,
) -> None:
    """Train the tagger. ``dev/`` and validation splits are not read for it."""
    console = Console(stderr=True)
    if not (data / "train").is_dir():
        console.print(f"{data}/train is not there; --data names the folder of the training data")
        raise typer.Exit(2)
    torch.set_num_threads(threads)
    started = time.monotonic()
    examples = read_corpus(data)
    with Bar(console) as bar:
        recipe = Recipe(epochs=epochs)
        trained = session.run(examples, recipe, bar)
        size = ship(trained, examples, out)
        if out == SHIPPED:
            write_golden(trained, examples, ROOT / "tests/data/tagger_golden.jsonl")
        console.print(f"{out}/tagger.npz and tagger.json: {size:,} bytes, {(time.monotonic() - started) / 60:.1f} min")
        found = transfer.all_checks(examples, bar) if checks else {}
    minutes = (time.monotonic() - started) / 60
    card_file.write_text(card.write_card(trained, recipe, examples, found, size, minutes))
    card.draw_reliability(trained, card_file.parent / "tagger-reliability.svg")
    console.print(f"{card_file}: {minutes:.1f} min in all")


def ship(trained: session.Trained, examples: list[Example], out: Path) -> int:
    """Both files; their size in bytes."""
    grams = word_grams((one.turns for one in examples), trained.known)
    arrays = arrays_of(trained.network, trained.known, grams, trained.linears)
    intents = {label: intent for intent, labels in read_taxonomy().items() for label in labels}
    meaning = {
        "labels": [(label, intents[label]) for label in trained.labels],
        "calibration": json.loads(json.dumps(trained.calibration, default=float)),
    }
    return write(out, arrays, meaning)


if __name__ == "__main__":
    np.seterr(over="ignore")
    typer.run(main)
