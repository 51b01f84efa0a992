"""What the tagger adds to a cold start: CPU and memory, in fresh processes."""

import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass

from workbench.problem import Problem

RUNS = 7
STAGES = ("import numpy", "load and first tag")
# One process, three readings: with pydantic and the router's contracts, which are there anyway, then two steps on.
_CODE = """
import json, resource, time
def reading():
    try:
        lines = open("/proc/self/status").read().splitlines()
        held, peak = (
            next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1000 for name in ("VmRSS", "VmHWM")
        )
    except OSError:  # macOS tells the peak alone, in bytes
        held = peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000_000
    return time.process_time() * 1000, held, peak
import pydantic, signalbox.contracts.requests, signalbox.tagger
from signalbox.tagger.excerpt import Turn
readings = [reading()]
import numpy
readings.append(reading())
from signalbox.tagger.tag import tag
tag([Turn(True, "my card was charged twice, please refund it")])
readings.append(reading())
print(json.dumps(readings))
"""


@dataclass(frozen=True)
class Cold:
    """Medians of ``RUNS``: CPU in milliseconds; resident memory in megabytes, as it stays and at its peak."""

    cpu_ms: float
    memory_mb: float
    peak_mb: float


def cold_costs() -> dict[str, Cold]:
    """Of the baseline, of what each of ``STAGES`` adds to it, and of both. Raises ``Problem``."""
    runs = [_run() for _ in range(RUNS + 1)][1:]  # the first one may have compiled bytecode
    return summary(runs)


def summary(runs: list[list[list[float]]]) -> dict[str, Cold]:
    """``runs``: of each, CPU, memory and its peak after the baseline and after each stage."""
    rows = {"baseline: pydantic and the contracts": [run[0] for run in runs]}
    for at, name in enumerate(STAGES):
        rows[name] = [_added(run[at], run[at + 1]) for run in runs]
    rows["the tagger in all"] = [_added(run[0], run[-1]) for run in runs]
    return {
        name: Cold(*(statistics.median(column) for column in zip(*values, strict=True)))
        for name, values in rows.items()
    }


def _added(before: list[float], after: list[float]) -> list[float]:
    return [new - old for old, new in zip(before, after, strict=True)]


def _run() -> list[list[float]]:
    # The package sets this before numpy is imported; said here too, since the stages import numpy by themselves.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", _CODE], env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise Problem("the tagger did not load in a fresh process; the message is above.")
    readings: list[list[float]] = json.loads(done.stdout)
    return readings
