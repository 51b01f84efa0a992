"""What runs in the environment of `make train`, started from here: it has scikit-learn for sure."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.paths import ROOT
from workbench.problem import Problem

PYTHON = ROOT / ".venvs" / "training" / "bin" / "python"
NEEDED = "needs `make train`'s environment"


@dataclass(frozen=True)
class Learned:
    """What ``baselines`` found: ``dev`` by method and file, ``clinc150`` by method."""

    dev: dict[str, dict[str, list[float]]]
    clinc150: dict[str, list[str]]


def baselines(data: Path) -> Learned | None:
    """TF-IDF trained and applied, about a minute of CPU; None without the environment. Raises ``Problem``."""
    if not PYTHON.exists():
        return None
    done = run("workbench.tagging.baselines", [str(data.resolve())])
    found: dict[str, Any] = json.loads(done)
    return Learned(found["dev"], found["clinc150"])


def transfer(data: Path) -> dict[str, dict[str, float]] | None:
    """By check its figures: sources that were not trained on, and Banking77 cross-validated. Many minutes of CPU; None
    without the environment. Raises ``Problem``."""
    if not PYTHON.exists():
        return None
    return flat(json.loads(run("workbench.tagging.transferred", [str(data.resolve())])))


def flat(found: Mapping[str, Any], path: tuple[str, ...] = ()) -> dict[str, dict[str, float]]:
    """Figures by the names on the way to them."""
    figures = {name: float(value) for name, value in found.items() if not isinstance(value, Mapping)}
    deeper = (flat(value, (*path, name)) for name, value in found.items() if isinstance(value, Mapping))
    own = {", ".join(path): figures} if figures else {}
    return {**own, **{name: one for part in deeper for name, one in part.items()}}


def run(module: str, arguments: Sequence[str]) -> str:
    """The module's standard output; its standard error, where progress is told, goes where ours goes."""
    path = os.pathsep.join([str(ROOT / "layers" / "signalbox"), str(ROOT)])
    done = subprocess.run(
        [str(PYTHON), "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Problem(f"{module} failed with exit code {done.returncode}; its own message is above.")
    return done.stdout
