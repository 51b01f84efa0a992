"""``signalbox bench confidence``: whether a confidence means what it says."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from signalbox.confidence.estimate import estimate, prior_log_odds, sigmoid
from signalbox.confidence.weights import load_weights
from workbench.commands.confidence import rules_prior
from workbench.confidence.cheap import train_prior
from workbench.confidence.examples import read_examples
from workbench.confidence.recorded import TRAIN_FILE, Trial, read_dev, read_train
from workbench.confidence.reliability import Reliability, reliability


def of_prior(data: Path) -> dict[str, Reliability]:
    """Of two priors on all of ``dev/`` and each file. Empty where there is no data."""
    dev = read_dev(data)
    if not dev or not (data / TRAIN_FILE).exists():
        return {}
    train, weights = read_train(data / TRAIN_FILE), load_weights().prior
    cheap = train_prior([one.prompt for one in train], [one.suffices for one in train])

    def rules(prompt: str) -> float:
        return sigmoid(weights.intercept + weights.slope * prior_log_odds(rules_prior(prompt)))

    parts = {"all": [one for trials in dev.values() for one in trials], **dev}
    return {
        f"{prior}, {name}": _of(trials, known)
        for prior, known in (("rules, calibrated", rules), ("cheap signals", cheap))
        for name, trials in parts.items()
    }


def of_evidence(file: Path) -> Reliability:
    """Of the whole estimate, with the shipped weights. Raises ``Problem``."""
    examples, weights = read_examples(file), load_weights()
    values = [estimate(one.evidence, weights).value for one in examples]
    return reliability(values, [float(one.good) for one in examples])


def show_prior(found: Mapping[str, Reliability], console: Console) -> None:
    for name, one in found.items():
        if name.endswith(", all"):
            console.print(bins_table(name, one))
    console.print(summary_table(found))
    console.print(
        "Good means here that the recorded weak model did no worse than the strong one. This is the prior alone, on "
        "models and prompts that are not yours: no replies were recorded, so nothing here measures what they would "
        "have added. `--evidence FILE` measures the whole estimate on your own replies with known outcomes."
    )


def summary_table(found: Mapping[str, Reliability]) -> Table:
    table = Table(
        "", "count", "mean confidence", "share good", "ECE", "Brier", "Brier of the share", title="Calibration"
    )
    for name, one in found.items():
        figures = (one.confidence, one.share_good, one.ece, one.brier, one.base_brier)
        table.add_row(name, f"{one.count:,}", *(f"{figure:.3f}" for figure in figures))
    return table


def bins_table(name: str, found: Reliability) -> Table:
    table = Table("confidence from", "count", "mean confidence", "share good", title=f"Reliability: {name}")
    for one in found.bins:
        means = ("" if mean is None else f"{mean:.3f}" for mean in (one.confidence, one.good))
        table.add_row(f"{one.least:.1f}", f"{one.count:,}", *means)
    return table


def _of(trials: Sequence[Trial], prior: Callable[[str], float]) -> Reliability:
    return reliability([prior(one.prompt) for one in trials], [one.suffices for one in trials])
