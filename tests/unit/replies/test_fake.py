"""The stand-in keeps the contract that the real one keeps, and fails as it does."""

import pytest

from signalbox.contracts.plans import StepResult
from signalbox.transport.dynamodb import StoreUnavailable
from tests.builders import FakeClock
from tests.fakes.dynamodb import Fault
from tests.fakes.replies import FakeReplies
from tests.unit.replies.contract import ID, KEEP_S, START_MS, RepliesContract, Setting, head, job


@pytest.mark.row("A11")
class TestFake(RepliesContract):
    @pytest.fixture
    def at(self) -> Setting:
        clock = FakeClock(START_MS)
        return Setting(FakeReplies(clock, KEEP_S), clock)


@pytest.mark.parametrize(("fault", "recorded"), [("lost", 0), ("unanswered", 1)])
def test_a_fault_strikes_before_the_work_or_after_it(fault: Fault, recorded: int) -> None:
    faults: list[Fault | None] = [None, fault]
    replies = FakeReplies(FakeClock(START_MS), faults=lambda: faults.pop(0) if faults else None)
    replies.put(job(), head())
    with pytest.raises(StoreUnavailable):
        replies.record("alice", ID, StepResult(step="judge"))
    progress = replies.progress("alice", ID)
    assert progress
    assert len(progress.results) == recorded
