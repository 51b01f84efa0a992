"""numpy says of forty texts what torch said of them when the shipped weights were trained.

Embeddings are bytes and the rest half floats, so the last digits differ; features that are not those of the training,
or weights of another one, differ in the first.
"""

import json
from typing import Any

import pytest

from signalbox.tagger.excerpt import Turn
from signalbox.tagger.tag import WORKLOADS, label_probabilities, tag
from workbench.paths import ROOT

pytestmark = pytest.mark.row("A2")

ROWS: list[dict[str, Any]] = [
    json.loads(line) for line in (ROOT / "tests/data/tagger_golden.jsonl").read_text("utf-8").splitlines()
]
CLOSE = 0.02


@pytest.mark.parametrize("row", ROWS, ids=lambda row: repr(row["turns"][-1][1][:24]))
def test_numpy_says_what_torch_said(row: dict[str, Any]) -> None:
    turns = [Turn(bool(user), text) for user, text in row["turns"]]
    found, labels = tag(turns), label_probabilities(turns)
    for name in ("p_fast", "billing_dispute", "compliance"):
        assert getattr(found, name) == pytest.approx(row[name], abs=CLOSE)
    trivial, _, extended = row["complexity"]
    assert found.p_trivial == pytest.approx(trivial, abs=CLOSE)
    assert found.p_extended == pytest.approx(extended, abs=CLOSE)
    assert row["workload"][WORKLOADS.index(found.workload)] == pytest.approx(found.workload_confidence, abs=CLOSE)
    assert labels[row["label"]] == pytest.approx(row["label_share"], abs=CLOSE)


def test_the_texts_are_of_every_kind() -> None:
    assert len(ROWS) >= 40
    assert len({row["label"] for row in ROWS}) > 20
    assert max(len(row["turns"][-1][1]) for row in ROWS) > 3_000
