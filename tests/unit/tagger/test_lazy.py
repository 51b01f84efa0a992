"""numpy and the tagger are imported with the first request that is tagged, and not before."""

import subprocess
import sys
from pathlib import Path

import pytest

from workbench.paths import ROOT

pytestmark = pytest.mark.row("A2", "B7")

TAGGED = {"numpy", "signalbox.tagger.features", "signalbox.tagger.network", "signalbox.tagger.weights"}
EXTRACTS = """
import os, sys
from signalbox.policy.load import load_resource
from signalbox.signals.extract import extract
from tests.builders import NOW, policy, request
print(*sys.modules, sep="\\n")
{policy}
extract(request("Why was I charged twice?"), chosen, NOW)
print("---", os.environ.get("OPENBLAS_NUM_THREADS"), *sys.modules, sep="\\n")
"""


def run(policy: str, **environment: str) -> tuple[set[str], str, set[str]]:
    """What a fresh process has imported before and after it reads a request, and how many threads numpy may start."""
    path = f"{ROOT / 'layers/signalbox'}:{ROOT}"
    told = subprocess.run(
        [sys.executable, "-c", EXTRACTS.format(policy=policy)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(ROOT),
        env={"PYTHONPATH": path, "PATH": "", **environment},
    ).stdout
    before, after = told.split("---\n")
    threads, *loaded = after.split()
    return {*before.split()}, threads, {*loaded}


def test_a_policy_without_the_taggers_variables_imports_neither_numpy_nor_the_tagger() -> None:
    before, _, after = run("chosen = policy()")
    assert "signalbox.signals.extract" in before
    assert not (before | after) & TAGGED


def test_the_shipped_policy_imports_both_with_its_first_request_and_starts_one_thread() -> None:
    before, threads, after = run("chosen = load_resource()")
    assert not before & TAGGED
    assert after >= TAGGED
    assert threads == "1"


def test_who_has_set_the_number_of_threads_is_heeded() -> None:
    assert run("chosen = load_resource()", OPENBLAS_NUM_THREADS="2")[1] == "2"
