"""What a plan's record teaches about a judge."""

import pytest

from signalbox.contracts.evidence import Evidence
from signalbox.contracts.ledger import Entry, StepFacts
from workbench.confidence.examples import example_of

SEEN = Evidence(prior=0.7, self_check=1.0)


def entry(resolution: str | None, *steps: StepFacts) -> Entry:
    return Entry(caller="alice", request_id="r1", path="/v1/infer", opened_at_ms=0, resolution=resolution, steps=steps)


@pytest.mark.row("B9")
@pytest.mark.parametrize(
    ("resolution", "good"),
    [
        ("confirmed", True),
        ("corrected", False),
        ("replaced", False),
        ("accepted", None),
        ("escalated", None),
        (None, None),
    ],
)
def test_only_a_look_at_the_fast_reply_tells(resolution: str | None, good: bool | None) -> None:
    judged = StepFacts(step="judge", at_ms=0, evidence=SEEN)
    found = example_of(entry(resolution, StepFacts(step="fast_pass", at_ms=0), judged))
    assert (found and (found.evidence, found.good)) == (None if good is None else (SEEN, good))
    assert example_of(entry(resolution)) is None
