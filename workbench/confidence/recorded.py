"""Recorded outcomes of weak and strong models: ``train/`` to fit on, ``dev/`` to measure on and nothing else."""

import csv
import gzip
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from workbench.paths import ROOT

DATA = ROOT.parent / "shared" / "data"
TRAIN_FILE = Path("train") / "llmrouter.csv.gz"
WEAK = ("mistral-7b-instruct-v0.3", "gemma-2-9b-it", "llama-3.1-8b-instruct")
STRONG = ("llama-3.1-nemotron-51b-instruct", "llama-3.3-nemotron-super-49b-v1")
# A model with under this share of what the best of its kind scores on a task failed its format, not the task.
FORMAT_FAILURE = 0.25
# Where the strong ones are right less than half the time and no better than the weak, it is the scoring that fails.
LEAST_RIGHT, LEAST_GAP = 0.5, 0.02


@dataclass(frozen=True)
class Trial:
    """One prompt and how good each kind of model did, 0..1. ``suffices``: that the strong one did no better."""

    prompt: str
    weak: float
    strong: float
    suffices: float

    @property
    def margin(self) -> float:
        """How far the weak one did as well, 0..1: a half where both did the same."""
        return (1 + self.weak - self.strong) / 2


def read_dev(data: Path) -> dict[str, list[Trial]]:
    """By file. Rows known as contaminated are left out, as RouteLLM does. Empty where there is nothing."""
    return {
        file.stem: [_dev_trial(row) for row in _rows(file) if _clean(row)] for file in sorted(data.glob("dev/*.csv"))
    }


def read_train(file: Path) -> list[Trial]:
    """``llmrouter.csv.gz`` without what shows a failure of format or scoring. Raises ``OSError``."""
    tasks: dict[str, list[dict[str, str]]] = {}
    for row in _rows(file):
        tasks.setdefault(row["task"], []).append(row)
    return [trial for rows in tasks.values() for trial in _task_trials(rows)]


def _task_trials(rows: Sequence[dict[str, str]]) -> Iterator[Trial]:
    weak, strong = _sound(rows, WEAK), _sound(rows, STRONG)
    best_weak, best_strong = (max(_mean(rows, name) for name in names) for names in (weak, strong))
    if best_strong < LEAST_RIGHT and best_strong - best_weak < LEAST_GAP:
        return
    for row in rows:
        below = [float(row[name]) for name in weak]
        above = [float(row[name]) for name in strong]
        suffices = fmean(one >= other for one in below for other in above)
        yield Trial(row["prompt"], fmean(below), fmean(above), suffices)


def _sound(rows: Sequence[dict[str, str]], names: Sequence[str]) -> list[str]:
    means = {name: _mean(rows, name) for name in names}
    return [name for name, mean in means.items() if mean >= FORMAT_FAILURE * max(means.values())]


def _mean(rows: Sequence[dict[str, str]], name: str) -> float:
    return fmean(float(row[name]) for row in rows)


def _dev_trial(row: dict[str, str]) -> Trial:
    weak, strong = float(row["weak_correct"]), float(row["strong_correct"])
    return Trial(row["prompt"], weak, strong, float(weak >= strong))


def _clean(row: dict[str, str]) -> bool:
    return row.get("contaminated", "0") in ("0", "")


def _rows(file: Path) -> Iterator[dict[str, str]]:
    csv.field_size_limit(sys.maxsize)
    with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
        yield from csv.DictReader(lines)
