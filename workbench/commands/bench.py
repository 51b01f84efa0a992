"""``signalbox bench``: package sizes, cold starts and decision times, each beside a baseline of the same run."""

import typer
from rich.console import Console
from rich.table import Table

from workbench.bench.decision import decision_times
from workbench.bench.emulator import cold_starts
from workbench.bench.imports import import_costs
from workbench.bench.turns import TURNS, turn_times
from workbench.build import MB, Target, build, measure
from workbench.problem import Problem
from workbench.progress import step
from workbench.stack import LocalStack

app = typer.Typer()
console = Console()


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


def _built() -> Target:
    target = Target.this_machine()
    build(target)
    return target
