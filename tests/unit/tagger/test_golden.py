"""numpy says what torch said: `make train` writes torch's own answers beside the weights."""

import json
from pathlib import Path
from typing import Any

import pytest

from signalbox.tagger.excerpt import Turn
from signalbox.tagger.tag import label_probabilities, tag

GOLDEN = Path(__file__).parents[2] / "data" / "tagger_golden.jsonl"
ROWS: list[dict[str, Any]] = [json.loads(line) for line in GOLDEN.read_text("utf-8").splitlines()]
# Embeddings are bytes, the rest half floats.
NEAR = 0.02


@pytest.mark.row("A2")
def test_there_are_forty_of_them() -> None:
    assert len(ROWS) == 40


@pytest.mark.row("A2")
@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
def test_every_head_agrees(row: dict[str, Any]) -> None:
    turns = [Turn(user, text) for user, text in row["turns"]]
    found = tag(turns)
    for name in ("p_fast", "billing_dispute", "compliance"):
        assert getattr(found, name) == pytest.approx(row[name], abs=NEAR), name
    assert (found.p_trivial, found.p_extended) == pytest.approx((row["complexity"][0], row["complexity"][2]), abs=NEAR)
    assert found.workload_confidence == pytest.approx(max(row["workload"]), abs=NEAR)
    assert label_probabilities(turns)[row["label"]] == pytest.approx(row["label_share"], abs=NEAR)
