"""``signalbox bench``: package sizes, cold starts and decision times, each beside a baseline of the same run; and what
a fast pass and its confidence are worth on recorded outcomes."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from signalbox.policy.load import load_resource
from signalbox.pricing.table import load_prices
from workbench.bench import cascade as cascade_bench
from workbench.bench import confidence as confidence_bench
from workbench.bench.decision import decision_times
from workbench.bench.emulator import cold_starts
from workbench.bench.imports import import_costs
from workbench.bench.preliminary import REQUESTS
from workbench.bench.preliminary import times as preliminary_times
from workbench.bench.turns import TURNS, turn_times
from workbench.build import MB, Target, build, measure
from workbench.confidence.costs import shipped_costs
from workbench.confidence.recorded import DATA
from workbench.problem import Problem
from workbench.progress import step
from workbench.stack import LocalStack

app = typer.Typer()
console = Console()

Data = Annotated[Path, typer.Option("--data", help="A folder with dev/*.csv and train/llmrouter.csv.gz.")]


@app.callback(invoke_without_command=True)
def bench(context: typer.Context) -> None:
    """Everything, unless one part is named."""
    if context.invoked_subcommand is None:
        packages()
        imports()
        cold()
        decision()


@app.command()
def packages() -> None:
    """Unzipped size of each layer and of the functions' package."""
    table = Table("package", "MB", title="Package sizes, unzipped")
    for name, size in measure(_built().directory).items():
        table.add_row(name, f"{size / MB:.1f}")
    console.print(table)


@app.command()
def imports() -> None:
    """CPU of importing each handler in a fresh process."""
    target = _built()
    with step("Importing each handler in fresh processes"):
        costs = import_costs(target)
    baseline = next(cost for cost in costs if cost.name.startswith("baseline"))
    table = Table("handler", "CPU ms", "wall ms", "peak MB", "CPU against baseline", title="Import, median")
    for cost in costs:
        ratio = cost.cpu_ms / baseline.cpu_ms
        table.add_row(cost.name, f"{cost.cpu_ms:.0f}", f"{cost.wall_ms:.0f}", f"{cost.memory_mb:.0f}", f"{ratio:.2f}")
    console.print(table)


@app.command()
def cold() -> None:
    """Init and first call under the Lambda Runtime Interface Emulator."""
    target = _built()
    with step("Starting each function under the Runtime Interface Emulator"):
        starts = cold_starts(target)
    if not starts:
        console.print("The Runtime Interface Emulator runs on Linux alone; skipped here.")
        return
    table = Table("function", "cold CPU ms", "cold wall ms", "warm wall ms", "peak MB", title="Init and first call")
    for one in starts:
        table.add_row(
            one.name,
            f"{one.cold_cpu_ms:.0f}",
            f"{one.cold_wall_ms:.0f}",
            f"{one.warm_wall_ms:.1f}",
            f"{one.memory_mb:.0f}",
        )
    console.print(table)


@app.command()
def decision() -> None:
    """Parse, signals and decide, warm, in process."""
    with step("Deciding"):
        rows = decision_times()
    table = Table("tokens", "p50 ms", "p99 ms", "json.loads p50 ms", "ratio", title="Parse + signals + decide, warm")
    for row in rows:
        table.add_row(
            f"{row.tokens:,}",
            f"{row.p50_ms:.3f}",
            f"{row.p99_ms:.3f}",
            f"{row.baseline_p50_ms:.3f}",
            f"{row.ratio:.1f}",
        )
    console.print(table)


@app.command()
def conversation() -> None:
    """A thousand turns through the API of the stack that `make run` started; some minutes."""
    local = LocalStack.read()
    if not local.base_url:
        raise Problem("start Signalbox with `make run` first: this goes through its API.")
    with step(f"Talking, {TURNS:,} turns"):
        times = turn_times(local)
    table = Table(
        "", "turn 10", f"turn {times.turns:,}", "ratio", title="One conversation, new turns only, medians of 20"
    )
    table.add_row("decide ms", f"{times.early_decide_ms:.2f}", f"{times.late_decide_ms:.2f}", f"{times.ratio:.2f}")
    latency = times.late_latency_ms / times.early_latency_ms
    table.add_row("whole ms", f"{times.early_latency_ms:.0f}", f"{times.late_latency_ms:.0f}", f"{latency:.2f}")
    console.print(table)
    console.print(
        f"{times.counted:,} messages tokenized to decide, the new turn of each; {times.messages:,} are stored"
    )


@app.command()
def preliminary() -> None:
    """Time to the preliminary and to the final reply, through the stack that `make run` started, at its speed."""
    local = LocalStack.read()
    if not local.base_url:
        raise Problem("start Signalbox with `make run` first: this goes through its API.")
    with step(f"Asking {REQUESTS} times in the lane draft"):
        told = preliminary_times(local)
    table = Table("", "p50 ms", "p95 ms", "p50 against alone", title="Plan verify, simulated models at their speeds")
    rows = {"preliminary reply": told.preliminary, "final reply": told.final, "the stronger model alone": told.alone}
    for name, one in rows.items():
        table.add_row(name, f"{one.p50_ms:.0f}", f"{one.p95_ms:.0f}", f"{one.p50_ms / told.alone.p50_ms:.2f}")
    console.print(table)
    console.print(f"{told.requests} requests: {told.resolutions}")


@app.command()
def cascade(
    data: Data = DATA,
    svg: Annotated[Path | None, typer.Option("--svg", help="Draw the curves into this file.")] = None,
) -> None:
    """Cost and quality of a fast pass, on recorded outcomes of a weak and a strong model."""
    costs = shipped_costs(load_resource(), load_prices())
    with step("Training the cheap prior and measuring"):
        parts = cascade_bench.cascade_parts(data, costs)
    if not parts:
        console.print(_no_data(data))
        return
    cascade_bench.show(parts, costs, console)
    if svg is not None:
        cascade_bench.picture(parts, svg)
        console.print(f"{svg} has the curves")


@app.command()
def confidence(
    data: Data = DATA,
    evidence: Annotated[
        Path | None, typer.Option("--evidence", help='Your own replies: {"evidence": {…}, "good": true} a line.')
    ] = None,
) -> None:
    """Whether a confidence means what it says."""
    if evidence is not None:
        found = confidence_bench.of_evidence(evidence)
        console.print(confidence_bench.bins_table("the whole estimate", found))
        console.print(confidence_bench.summary_table({"the whole estimate": found}))
        return
    with step("Asking two priors about every prompt"):
        priors = confidence_bench.of_prior(data)
    if not priors:
        console.print(_no_data(data))
        return
    confidence_bench.show_prior(priors, console)


@app.command()
def tagger(
    data: Data = DATA,
    train: Annotated[bool, typer.Option("--train", help="Also train: transfer between sources, folds.")] = False,
    svg: Annotated[Path | None, typer.Option("--svg", help="Draw latency by length into this file.")] = None,
    part: Annotated[
        list[str] | None, typer.Option(help="quality, intents, transfer, robustness, latency or cold; all without.")
    ] = None,
) -> None:
    """What the tagger is worth beside what is simpler, how steady it is, and what it costs; some minutes."""
    # Here and not above: numpy, which it imports, would slow the others down.
    from workbench.bench import tagger as tagger_bench

    wide = Console(width=None if console.is_terminal else 150)
    tagger_bench.run(tagger_bench.Bench(data, wide, train, svg), part or ())


def _no_data(data: Path) -> str:
    return f"{data} has no recorded outcomes (dev/*.csv, train/llmrouter.csv.gz); skipped."


def _built() -> Target:
    target = Target.this_machine()
    build(target)
    return target
