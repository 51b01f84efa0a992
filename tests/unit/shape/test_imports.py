"""Imports point one way: functions and workbench → signalbox → contracts; the middle knows no AWS."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LAYER = ROOT / "layers" / "signalbox" / "signalbox"
OUTSIDE = {"workbench", "tests", "router", "authorizer"}
# Too dear for a cold start, or a person's tools.
HEAVY = {
    "openai",
    "anthropic",
    "google",
    "rich",
    "typer",
    "genai_prices",
    "starlette",
    "uvicorn",
    "numpy",
    "torch",
    "sklearn",
}
AWS = {"boto3", "botocore", "aws_lambda_powertools"}
PURE = ("contracts", "dialects", "signals", "policy", "decision", "pricing", "confidence", "integrity")


def imported(file: Path) -> Iterator[str]:
    """Every module that ``file`` imports, also inside functions."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def roots(file: Path) -> set[str]:
    return {module.split(".")[0] for module in imported(file)}


@pytest.mark.parametrize("file", sorted(LAYER.rglob("*.py")), ids=lambda file: str(file.relative_to(LAYER)))
def test_the_layer_imports_neither_functions_nor_workbench(file: Path) -> None:
    allowed = {"numpy"} if file.parent.name == "tagger" else set()
    assert not roots(file) & (OUTSIDE | HEAVY) - allowed
    assert "adapters" not in roots(file)


@pytest.mark.parametrize("file", sorted((ROOT / "functions").rglob("*.py")), ids=lambda file: str(file.parent.name))
def test_functions_import_no_workbench(file: Path) -> None:
    assert not roots(file) & ({"workbench", "tests"} | HEAVY)


def test_contracts_import_nothing_else_of_ours() -> None:
    for file in (LAYER / "contracts").glob("*.py"):
        assert all(m.startswith("signalbox.contracts") for m in imported(file) if m.startswith("signalbox")), file


@pytest.mark.parametrize("package", PURE)
def test_the_middle_is_free_of_aws(package: str) -> None:
    for file in (LAYER / package).rglob("*.py"):
        assert not roots(file) & AWS, file
