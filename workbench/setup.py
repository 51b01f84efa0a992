"""Makes the virtual environments: `.venv` (product, workbench, checks) and `.venvs/ministack`.

Standard library only: it runs before anything is installed. An environment whose stamp says that
lock file and interpreter are unchanged is left alone.
"""

import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
OLDEST, NEWEST = (3, 11), (3, 14)  # what the lock files cover
STAMP = ".up-to-date"
# The interpreter itself, also when a virtual environment's runs this.
INTERPRETER = str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")

# What pip says → what a person can do about it.
HINTS = (
    (r"No matching distribution|Could not find a version", "it has no wheel for this Python and platform"),
    (r"do not match the hashes", "the index served another file than the one in the lock; `make lock` renews it"),
    (r"CERTIFICATE_VERIFY_FAILED", "set PIP_CERT to your network's certificate bundle"),
    (r"No space left", "the disk is full"),
    (r"ConnectionError|timed out|Temporary failure|Network is unreachable", "check the network connection, then again"),
)


class SetupError(Exception):
    """The message is for the person at the keyboard and ends with what to do."""


class Progress:
    """One line that moves on a terminal, a line now and then elsewhere. Shared by both installs."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._lock = total, 0, threading.Lock()

    def step(self, package: str) -> None:
        with self._lock:
            self._done += 1
            if sys.stdout.isatty():
                sys.stdout.write(f"\r\033[K  {self._done}/{self._total} {package}")
                sys.stdout.flush()
            elif self._done % 40 == 0:
                print(f"  {self._done}/{self._total} packages", flush=True)

    def close(self) -> None:
        if sys.stdout.isatty():
            sys.stdout.write("\r\033[K")


class Environment:
    """One virtual environment, made from one lock file."""

    def __init__(self, path: Path, lock: Path) -> None:
        self.path, self.lock = path, lock

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    @property
    def packages(self) -> list[str]:
        return re.findall(r"^([\w.-]+)(?:\[.*\])?==", self.lock.read_text(), re.MULTILINE)

    def fingerprint(self) -> str:
        facts = (self.lock.read_bytes(), sys.version.encode(), platform.platform().encode(), str(self.path).encode())
        return hashlib.sha256(b"\0".join(facts)).hexdigest()

    def is_current(self) -> bool:
        stamp = self.path / STAMP
        return stamp.is_file() and stamp.read_text() == self.fingerprint() and self.python.exists()

    def make(self, progress: Progress) -> None:
        """Raises SetupError when the environment cannot be made or a package not installed."""
        if self.path.exists():
            shutil.rmtree(self.path)
        run([INTERPRETER, "-m", "venv", str(self.path)])
        # The lock is complete, so pip need resolve nothing; bytecode is made when first imported.
        pip = ("pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off")
        what = ("--no-deps", "--no-compile", "--only-binary", ":all:", "--require-hashes", "-r", str(self.lock))
        run([str(self.python), "-m", *pip, *what], progress)

    def finish(self) -> None:
        (self.path / STAMP).write_text(self.fingerprint())


def run(command: list[str], progress: Progress | None = None) -> None:
    """Raises SetupError with the failing package and one hint."""
    lines: list[str] = []
    package = ""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
    assert process.stdout is not None  # noqa: S101
    for line in process.stdout:
        lines.append(line)
        if found := re.match(r"Collecting ([\w.-]+)", line):
            package = found[1]
            if progress:
                progress.step(package)
    if process.wait():
        raise SetupError(explain("".join(lines), package, " ".join(command[1:4])))


def explain(output: str, package: str, command: str) -> str:
    """Turns pip's words into the package and one hint."""
    named = re.search(r"No matching distribution found for ([\w.-]+)", output)
    hint = next((hint for pattern, hint in HINTS if re.search(pattern, output)), "run `make setup` again")
    errors = [line.strip() for line in output.splitlines() if line.startswith("ERROR")] or output.splitlines()[-3:]
    what = named[1] if named else package
    return f"{command} failed{f' at {what}' if what else ''}: {hint}.\n  " + "\n  ".join(errors[:3])


def check_interpreter() -> None:
    """Raises SetupError when this Python is not one the lock files cover, or cannot make environments."""
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        raise SetupError(
            f"Python {version[0]}.{version[1]} at {sys.executable} will not do: Signalbox needs 3.11 to 3.14. "
            "Install one, or name it: make setup PYTHON=/path/to/python3"
        )
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        package = f"python{version[0]}.{version[1]}-venv"
        raise SetupError(
            f"{sys.executable} cannot make virtual environments. On Debian: sudo apt-get install {package}"
        )
    for tool in ("git", "make"):
        if not shutil.which(tool):
            raise SetupError(f"{tool} is not installed.")


def install_signalbox(environment: Environment) -> None:
    """The repository itself, editable, with its command."""
    what = ("--no-deps", "--no-build-isolation", "--disable-pip-version-check", "-q", "-e", str(ROOT))
    run([str(environment.python), "-m", "pip", "install", *what])


def main() -> None:
    development = Environment(ROOT / ".venv", ROOT / "requirements" / "development.lock")
    ministack = Environment(ROOT / ".venvs" / "ministack", ROOT / "requirements" / "ministack.lock")
    check_interpreter()
    stale = [environment for environment in (development, ministack) if not environment.is_current()]
    if not stale:
        return
    names = " and ".join(str(environment.path.relative_to(ROOT)) for environment in stale)
    print(f"Setting up {names} with Python {platform.python_version()} (about a minute, once)", flush=True)
    progress = Progress(sum(len(environment.packages) for environment in stale))
    try:
        with ThreadPoolExecutor(len(stale)) as pool:
            list(pool.map(lambda environment: environment.make(progress), stale))
    finally:
        progress.close()
    if development in stale:
        install_signalbox(development)
    for environment in stale:
        environment.finish()


def fail(message: str) -> NoReturn:
    print(f"setup: {message}", file=sys.stderr)
    raise SystemExit(1)


if __name__ == "__main__":
    os.environ.pop("PYTHONPATH", None)
    try:
        main()
    except SetupError as error:
        fail(str(error))
    except KeyboardInterrupt:
        fail("interrupted; run it again and it starts afresh")
    except OSError as error:
        fail(f"{error.strerror}: {error.filename}")
