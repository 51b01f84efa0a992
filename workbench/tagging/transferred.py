"""``python -m workbench.tagging.transferred DATA``: trains on some sources, tests on others, and prints it as JSON.

Runs in the environment of `make train`, which has torch; ``learned`` starts it.
"""

import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from workbench.training import transfer
from workbench.training.corpus import read_corpus


def main(data: Path) -> dict[str, Any]:
    """What ``transfer.all_checks`` finds, with a bar for each step on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, TaskID] = {}

        def progress(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=of)
            bar.update(tasks[what], completed=done, total=of)

        return transfer.all_checks(read_corpus(data), progress)


if __name__ == "__main__":
    json.dump(main(Path(sys.argv[1])), sys.stdout)
