"""Renews the lock files from pyproject.toml: with hashes, for Linux and macOS, Python 3.11 to 3.14."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = str(Path(sys.executable).parent / "uv")
OPTIONS = ("--universal", "--python-version", "3.11", "--generate-hashes", "--upgrade")
QUIET = ("--quiet", "--no-header", "--no-annotate", "--no-emit-index-url")

DEVELOPMENT = "requirements/development.lock"
LOCKS = {
    DEVELOPMENT: ["pyproject.toml", "--group", "workbench", "--group", "test", "--group", "build"],
    "requirements/ministack.lock": ["--group", "ministack"],
    # What runs in Lambda is what was tested: the same versions.
    "layers/dependencies/requirements.lock": ["pyproject.toml", "--constraints", DEVELOPMENT],
}


def main() -> int:
    """Returns the exit code of the first that fails."""
    environment = {**os.environ, "UV_NATIVE_TLS": "1"}
    for lock, sources in LOCKS.items():
        print(f"{lock} …", flush=True)
        command = [UV, "pip", "compile", *QUIET, *OPTIONS, *sources, "--output-file", lock]
        if code := subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
