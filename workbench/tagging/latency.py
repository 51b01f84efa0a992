"""``python -m workbench.tagging.latency``: how long ``tag`` takes, warm, alone in a process of its own, one thread.

A process of its own, since what else a bench holds in memory and in threads would be measured along. Garbage
collection stays on, as it is in the router, but what was there before is frozen out of it.
"""

import gc
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.progress import track

from signalbox.tagger.excerpt import Turn
from workbench.paths import ROOT
from workbench.problem import Problem
from workbench.progress import console
from workbench.tagging import hostile
from workbench.tagging.measures import percentile, slope

LENGTHS = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
# The slope is taken from here on: below, fixed costs hide what grows.
LINEAR_FROM = 10_000
RUNS, REQUEST_RUNS, WARM_UP = 300, 2_000, 30
REQUESTS = ("2,000 tokens of prose", "50 turns", "1,000 turns")

Work = Callable[[Sequence[Turn]], object]


@dataclass(frozen=True)
class Times:
    """Milliseconds by the wall, and of this thread's CPU: what others on the machine take is in the first alone."""

    p50: float
    p99: float
    cpu_p50: float
    cpu_p99: float


@dataclass(frozen=True)
class Measured:
    """``texts``: by kind and length in characters; ``requests``: by ``REQUESTS``; ``threads`` of the process."""

    texts: dict[str, dict[int, Times]]
    requests: dict[str, Times]
    threads: int | None

    def slope(self, kind: str) -> float:
        """Of log p50 over log length from ``LINEAR_FROM`` on; more than 1 would be more than linear."""
        far = {length: one.p50 for length, one in self.texts[kind].items() if length >= LINEAR_FROM}
        return slope(list(far), list(far.values()))


def measured() -> Measured:
    """In a fresh process. Raises ``Problem``."""
    command = [sys.executable, "-m", "workbench.tagging.latency"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise Problem(f"timing the tagger failed with exit code {done.returncode}; its own message is above.")
    return read(json.loads(done.stdout))


def read(found: Mapping[str, Any]) -> Measured:
    """Out of JSON, whose keys are texts."""
    texts = {
        kind: {int(length): Times(**one) for length, one in by_length.items()}
        for kind, by_length in found["texts"].items()
    }
    return Measured(texts, {name: Times(**one) for name, one in found["requests"].items()}, found["threads"])


def timed(work: Work, inputs: Sequence[Sequence[Turn]], runs: int, warm_up: int = WARM_UP) -> Times:
    """``inputs`` are taken in turn."""
    for at in range(warm_up):
        work(inputs[at % len(inputs)])
    gc.collect()
    gc.freeze()
    wall, cpu = [], []
    for at in range(runs):
        turns = inputs[at % len(inputs)]
        started, busy = time.perf_counter_ns(), time.thread_time_ns()
        work(turns)
        cpu.append((time.thread_time_ns() - busy) / 1e6)
        wall.append((time.perf_counter_ns() - started) / 1e6)
    gc.unfreeze()
    return Times(statistics.median(wall), percentile(wall, 0.99), statistics.median(cpu), percentile(cpu, 0.99))


def measure(
    work: Work, lengths: Sequence[int] = LENGTHS, runs: int = RUNS, request_runs: int = REQUEST_RUNS
) -> Measured:
    """Of every kind and length, and of whole requests."""
    requests = {name: timed(work, inputs, request_runs) for name, inputs in _requests().items()}
    texts: dict[str, dict[int, Times]] = {kind: {} for kind in hostile.kinds()}
    jobs = [(kind, length) for kind in texts for length in lengths]
    for kind, length in track(jobs, "Timing the tagger", console=console):
        texts[kind][length] = timed(work, list(_texts(kind, length)), runs)
    return Measured(texts, requests, _threads())


def _requests() -> dict[str, list[Sequence[Turn]]]:
    chances = [random.Random(seed) for seed in range(hostile.VARIANTS)]  # noqa: S311 reproducible
    characters = int(2_000 * hostile.CHARACTERS_PER_TOKEN)
    inputs: tuple[list[Sequence[Turn]], ...] = (
        [(Turn(True, hostile.prose(characters, chance)),) for chance in chances],
        [hostile.dialogue(50, chance) for chance in chances],
        [hostile.dialogue(1_000, chance) for chance in chances],
    )
    return dict(zip(REQUESTS, inputs, strict=True))


def _texts(kind: str, length: int) -> Iterator[Sequence[Turn]]:
    for seed in range(hostile.VARIANTS if length <= LINEAR_FROM else 2):
        yield (Turn(True, hostile.kinds()[kind](length, random.Random(seed))),)  # noqa: S311 reproducible


def _threads() -> int | None:
    """Of this process; None where the system does not tell."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("Threads:"):
                return int(line.split()[1])
    return None


def main() -> None:
    from signalbox.tagger.tag import tag

    json.dump(asdict(measure(tag)), sys.stdout)


if __name__ == "__main__":
    main()
