"""Builds the packages with `sam build`: for this machine or for Lambda, with bytecode, within declared sizes."""

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.local.processes import run
from workbench.paths import BIN, ROOT, TEMPLATE
from workbench.problem import Problem
from workbench.progress import console, step

BUILT = ROOT / ".aws-sam"
INPUTS = ("template.yaml", "pyproject.toml", "layers", "functions", "workbench/build.py")
MACHINES = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64", "AMD64": "x86_64"}
WHEEL_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
# Amazon Linux 2023, the base of every runtime since Python 3.12, has glibc 2.34.
GLIBC_MINORS = (34, 31, 28, 27, 26, 17)
LAYERS = ("DependenciesLayer", "SignalboxLayer")
MB = 1_000_000


@dataclass(frozen=True)
class Target:
    """What the packages are for: ``runtime`` as Lambda spells it, and whose machine code."""

    runtime: str
    architecture: str
    local: bool

    @classmethod
    def this_machine(cls) -> "Target":
        """The interpreter that runs us: local functions run on it, whatever the template says."""
        return cls(f"python3.{sys.version_info.minor}", MACHINES.get(platform.machine(), "x86_64"), local=True)

    @property
    def version(self) -> str:
        return self.runtime.removeprefix("python")

    @property
    def directory(self) -> Path:
        return BUILT / ("local" if self.local else f"{self.runtime}-{self.architecture}")

    @property
    def template(self) -> Path:
        """The built template, which `sam deploy` takes."""
        return self.directory / ("packed.yaml" if self.local else "template.yaml")

    @property
    def parameters(self) -> dict[str, str]:
        return {"PythonRuntime": self.runtime, "Architecture": self.architecture}


def build(target: Target, environment: dict[str, str] | None = None) -> None:
    """Leaves the packages in ``target.directory``; nothing happens when no input has changed.

    Raises Problem when `sam build` fails or a package is larger than pyproject.toml allows.
    """
    with _alone(target):
        _build(target, environment or dict(os.environ))


@contextmanager
def _alone(target: Target) -> Iterator[None]:
    """Two builds of one target, such as a test's beside `make run`'s, take turns."""
    target.directory.mkdir(parents=True, exist_ok=True)
    with (BUILT / f"{target.directory.name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _build(target: Target, environment: dict[str, str]) -> None:
    stamp, inputs = target.directory / ".inputs", fingerprint(target)
    if stamp.exists() and stamp.read_text() == inputs:
        return
    with step(f"Building the packages for {target.runtime} on {target.architecture}"):
        stamp.unlink(missing_ok=True)
        run("sam build", _command(target), {**environment, **_makefile_variables(target)}, ROOT)
        if target.local:
            _zip(target)
    sizes = measure(target.directory)
    for name, size in sizes.items():
        console.print(f"  {name:<20}{size / MB:7.1f} MB unzipped")
    check_sizes(sizes)
    stamp.write_text(inputs)


def fingerprint(target: Target) -> str:
    """Of everything that a build reads, the interpreter included."""
    digest = hashlib.sha256(f"{target} {sys.version} {_compiler(target)}".encode())
    for path in sorted(file for name in INPUTS for file in _files(ROOT / name)):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts]


def _command(target: Target) -> list[str]:
    parameters = [f"{name}={value}" for name, value in target.parameters.items()]
    return [
        *(str(BIN / "sam"), "build", "--parallel", "--cached", "--template", str(TEMPLATE)),
        *("--build-dir", str(target.directory), "--cache-dir", str(_cache(target))),
        *("--parameter-overrides", *parameters),
    ]


def _cache(target: Target) -> Path:
    """One for packages with bytecode, one for those without: SAM's key does not see the difference."""
    return BUILT / f"cache-{target.directory.name}{'' if _compiler(target) else '-no-bytecode'}"


def _makefile_variables(target: Target) -> dict[str, str]:
    """What the Makefiles of layers and functions go by."""
    compiler = _compiler(target)
    if compiler is None:
        console.print(
            f"[yellow]No {target.runtime} on this machine: the packages carry no bytecode, and every cold start will "
            f"compile. Install it, or build for python3.{sys.version_info.minor} with --runtime."
        )
    machine = WHEEL_MACHINES[target.architecture]
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC_MINORS] + [f"manylinux2014_{machine}"]
    return {
        "LAYER_PYTHON": sys.executable,
        "LAYER_VERSION": target.version,
        "LAYER_PLATFORMS": "" if target.local else " ".join(platforms),
        "COMPILER": compiler or "none",
        "SAM_CLI_TELEMETRY": "0",
    }


def _compiler(target: Target) -> str | None:
    """An interpreter of the target's very version: bytecode of another is ignored."""
    if target == Target.this_machine() or target.version == f"3.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(target.runtime)
    if found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
        return found
    return None


def _zip(target: Target) -> None:
    """Packs layers and functions once and writes a template that names the archives.

    `sam deploy` would pack each of them anew at every start. Stored, not deflated: they go nowhere.
    """
    archives: set[str] = set()

    def archived(line: re.Match[str]) -> str:
        name = line[2] if line[2] in LAYERS else "Functions"
        if name not in archives:
            archives.add(name)
            _store(target.directory / line[2], target.directory / f"{name}.zip")
        return f"{line[1]}{name}.zip"

    template = (target.directory / "template.yaml").read_text()
    target.template.write_text(re.sub(r"^( +(?:CodeUri|ContentUri): )(\w+)$", archived, template, flags=re.MULTILINE))


def _store(folder: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        for file in _all_files(folder):
            # A fixed time: the same content is the same archive, which is uploaded once.
            packed.writestr(zipfile.ZipInfo(str(file.relative_to(folder))), file.read_bytes())


def _all_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def measure(directory: Path) -> dict[str, int]:
    """Bytes on disk of each layer and of the functions' shared package."""
    functions = next(path for path in sorted(directory.iterdir()) if path.is_dir() and path.name not in LAYERS)
    names = {layer: directory / layer for layer in LAYERS} | {"Functions": functions}
    return {name: sum(file.stat().st_size for file in _all_files(path)) for name, path in names.items()}


def check_sizes(sizes: dict[str, int]) -> None:
    """Raises Problem naming every package above its limit in pyproject.toml, in megabytes."""
    limits: dict[str, int] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["signalbox"][
        "package-limits-mb"
    ]
    measured = {**sizes, "total": sum(sizes.values())}
    over = [
        f"{name} {measured[name] / MB:.1f} MB, allowed {limit}"
        for name, limit in limits.items()
        if measured[name] > limit * MB
    ]
    if over:
        raise Problem(f"too large for what pyproject.toml declares: {'; '.join(over)}")


def parameter_overrides(target: Target, more: dict[str, str]) -> list[str]:
    """`sam deploy`'s arguments for the template's parameters; ``Release`` stands for all that a version is made of."""
    given = {**target.parameters, **more}
    release = hashlib.sha256(json.dumps([fingerprint(target), given], sort_keys=True).encode()).hexdigest()
    return [
        "--parameter-overrides",
        *(f"{name}={json.dumps(value)}" for name, value in {"Release": release, **given}.items()),
    ]
