"""Public data that the tagger is measured on: utterances with labels, and a seeded draw of prompts of every kind."""

import csv
import gzip
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.confidence.recorded import read_dev

CLINC150 = Path("train") / "clinc150.csv.gz"
BANKING77 = Path("train") / "banking77.csv.gz"


@dataclass(frozen=True)
class Utterance:
    """A text and its label in the data set's own words."""

    text: str
    label: str


def clinc_validation(data: Path) -> list[Utterance]:
    """The validation splits of CLINC150, those of its label ``oos`` among them. Empty where there is no file."""
    rows = _rows(data / CLINC150)
    return [Utterance(row["text"], row["intent"]) for row in rows if row["split"] in ("val", "oos_val")]


def draw(data: Path, count: int, seed: int) -> dict[str, list[str]]:
    """About ``count`` texts in all, as many of each source that is there; without replacement."""
    sources = {name: texts for name, texts in _texts(data).items() if texts}
    chance = random.Random(seed)  # noqa: S311 reproducible
    share = -(-count // max(1, len(sources)))
    return {name: chance.sample(texts, min(share, len(texts))) for name, texts in sources.items()}


def _texts(data: Path) -> Mapping[str, list[str]]:
    return {
        "CLINC150 validation": [one.text for one in clinc_validation(data)],
        "Banking77": [row["text"] for row in _rows(data / BANKING77)],
        "dev prompts": [trial.prompt for trials in read_dev(data).values() for trial in trials],
    }


def _rows(file: Path) -> Iterator[dict[str, str]]:
    if file.exists():
        with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
            yield from csv.DictReader(lines)
