"""What a person reads when an environment cannot be made."""

from pathlib import Path

import pytest

from workbench.setup import Environment, explain

NO_WHEEL = """Collecting httpx==0.28.1
Collecting cel-expr-python==0.1.3
ERROR: Could not find a version that satisfies the requirement cel-expr-python==0.1.3 (from versions: none)
ERROR: No matching distribution found for cel-expr-python==0.1.3
"""


@pytest.mark.parametrize(
    ("output", "package", "expected"),
    [
        (NO_WHEEL, "cel-expr-python", "cel-expr-python: it has no wheel for this Python and platform"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES: do not match the hashes", "regex", "`make lock` renews it"),
        ("SSLError(CERTIFICATE_VERIFY_FAILED)", "", "PIP_CERT"),
        ("OSError: [Errno 28] No space left on device", "awscrt", "at awscrt: the disk is full"),
        ("something new", "ruff", "at ruff: run `make setup` again"),
    ],
)
def test_a_failed_install_names_the_package_and_one_hint(output: str, package: str, expected: str) -> None:
    assert expected in explain(output, package, "-m pip install")


def test_the_error_lines_of_pip_are_shown() -> None:
    assert "(from versions: none)" in explain(NO_WHEEL, "cel-expr-python", "-m pip install")


def test_an_environment_is_current_until_its_lock_changes(tmp_path: Path) -> None:
    lock = tmp_path / "some.lock"
    lock.write_text("httpx==0.28.1 \\\n    --hash=sha256:00\nPyJWT[crypto]==2.15.1 \\\n    --hash=sha256:01\n")
    environment = Environment(tmp_path / "venv", lock)
    assert environment.packages == ["httpx", "PyJWT"]
    assert not environment.is_current()
    environment.python.parent.mkdir(parents=True)
    environment.python.touch()
    environment.finish()
    assert environment.is_current()
    lock.write_text("httpx==0.28.2\n")
    assert not environment.is_current()
