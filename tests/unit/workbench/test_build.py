"""Targets, sizes and what makes a build stale."""

from pathlib import Path

import pytest

from workbench import build
from workbench.build import MB, Target, check_sizes, fingerprint
from workbench.problem import Problem

LAMBDA = Target("python3.14", "arm64", local=False)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree with one function and limits of its own."""
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "app.py").write_text("x = 1\n")
    for name in ("layers", "workbench"):
        (tmp_path / name).mkdir()
    (tmp_path / "template.yaml").write_text("Resources: {}\n")
    (tmp_path / "workbench" / "build.py").touch()
    limits = "[tool.signalbox.package-limits-mb]\nDependenciesLayer = 10\ntotal = 12\n"
    (tmp_path / "pyproject.toml").write_text(limits)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    return tmp_path


def test_a_build_is_stale_when_an_input_or_the_target_changes(repository: Path) -> None:
    before = fingerprint(LAMBDA)
    assert fingerprint(LAMBDA) == before
    assert fingerprint(Target("python3.14", "x86_64", local=False)) != before
    (repository / "functions" / "app.py").write_text("x = 2\n")
    assert fingerprint(LAMBDA) != before


def test_bytecode_beside_the_sources_is_no_input(repository: Path) -> None:
    before = fingerprint(LAMBDA)
    (repository / "functions" / "__pycache__").mkdir()
    (repository / "functions" / "__pycache__" / "app.cpython-311.pyc").write_bytes(b"x")
    assert fingerprint(LAMBDA) == before


@pytest.mark.usefixtures("repository")
def test_sizes_within_their_limits_pass() -> None:
    check_sizes({"DependenciesLayer": 10 * MB, "Functions": 2 * MB})


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("sizes", "named"),
    [
        ({"DependenciesLayer": 10 * MB + 1, "Functions": 0}, "DependenciesLayer 10.0 MB, allowed 10"),
        ({"DependenciesLayer": 10 * MB, "Functions": 3 * MB}, "total 13.0 MB, allowed 12"),
    ],
)
def test_a_package_that_is_too_large_fails_the_build(sizes: dict[str, int], named: str) -> None:
    with pytest.raises(Problem, match=named):
        check_sizes(sizes)
