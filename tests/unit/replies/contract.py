"""What every ``Replies`` must do: run against the one in memory and the one in DynamoDB."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any

from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.evidence import Confidence
from signalbox.contracts.passages import Passage
from signalbox.contracts.plans import Conclusion, Failure, Job, ReplyHead, StepResult, Violation
from signalbox.execution.ports import Replies
from tests.builders import FakeClock, request
from tests.builders import reply as result_of
from tests.unit.quotas.samples import decision, hop

START_MS = 1_790_000_000_000
KEEP_S = 1_000
ID = "req_00000000000000000000000000000001"
OTHER_ID = "req_00000000000000000000000000000002"
WRITERS = 8


def said(text: str = "fine", model: str = "small") -> AdapterReply:
    reply = result_of(model, text).reply
    assert reply
    return reply


def job(text: str = "hello", caller: str = "alice", request_id: str = ID) -> Job:
    return Job(
        request=request(text, caller=caller, request_id=request_id),
        decision=decision(hop("small"), hop("large")).model_copy(update={"plan": "verify"}),
        arrived_at_ms=START_MS,
        deadline_at_ms=START_MS + 10_000,
        ceiling_microusd=500,
        passages=(Passage(id="fees.1", title="Fees", text="There are none."),),
        receipt=f"{caller}#{request_id}",
    )


def head(caller: str = "alice", request_id: str = ID, **fields: Any) -> ReplyHead:
    fixed: dict[str, Any] = {
        "plan": "verify",
        "created_at_ms": START_MS,
        "ends_at_ms": START_MS + 120_000,
        "facts": {"route": "all", "role": None, "attempts": [{"model": "small", "failure": None}], "confidence": 0.5},
    }
    return ReplyHead(caller=caller, request_id=request_id, **(fixed | fields))


def final(text: str = "better", **fields: Any) -> Conclusion:
    fixed: dict[str, Any] = {
        "reply": said(text, "large"),
        "resolution": "corrected",
        "reason": "the stronger model corrected it",
        "confidence": Confidence(value=0.75, contributions={"prior": 1.0986}, missing=("self_check",)),
        "violations": (Violation(kind="not_json", message="not_json at 1:1"),),
        "cost_microusd": 42,
        "concluded_at_ms": START_MS + 5_000,
    }
    return Conclusion(**(fixed | fields))


def failed() -> Conclusion:
    failure = Failure(status=503, code="provider_unavailable", message="told")
    return Conclusion(failure=failure, cost_microusd=7, concluded_at_ms=START_MS + 5_000)


@dataclass
class Setting:
    port: Replies
    clock: FakeClock

    def started(self, text: str = "hello", caller: str = "alice") -> Job:
        kept = job(text, caller)
        self.port.put(kept, head(caller))
        return kept


class RepliesContract:
    """A subclass gives the fixture ``at``."""

    def test_what_is_put_comes_back(self, at: Setting) -> None:
        kept = at.started()
        progress = at.port.progress("alice", ID)
        assert progress
        assert (progress.job, progress.results, progress.conclusion) == (kept, (), None)
        assert at.port.head("alice", ID) == (head(), None)

    def test_there_is_nothing_where_nothing_was_put(self, at: Setting) -> None:
        at.started()
        assert at.port.progress("alice", OTHER_ID) is None
        assert at.port.head("alice", OTHER_ID) is None

    def test_putting_twice_is_putting_once(self, at: Setting) -> None:
        kept = at.started()
        at.port.begin("alice", ID, "judge-1")
        at.port.record("alice", ID, StepResult(step="judge"))
        at.port.conclude("alice", ID, final())
        at.port.put(job("another text"), head(ends_at_ms=1))
        progress, told = at.port.progress("alice", ID), at.port.head("alice", ID)
        assert progress
        assert (progress.job, len(progress.results), progress.conclusion) == (kept, 1, final())
        assert told == (head(), final())
        assert not at.port.begin("alice", ID, "judge-1")

    def test_a_step_is_begun_once(self, at: Setting) -> None:
        at.started()
        assert at.port.begin("alice", ID, "integrity-1")
        assert not at.port.begin("alice", ID, "integrity-1")
        assert at.port.begin("alice", ID, "integrity-2")
        assert at.port.begin("alice", ID, "judge-1")
        assert not at.port.begin("alice", ID, "integrity-2")
        at.port.record("alice", ID, StepResult(step="integrity"))
        progress = at.port.progress("alice", ID)
        assert progress
        assert progress.begun == ("integrity-1", "integrity-2", "judge-1")

    def test_of_many_at_once_one_begins(self, at: Setting) -> None:
        at.started()
        assert _at_once(lambda _: at.port.begin("alice", ID, "verify-1")).count(True) == 1

    def test_results_come_back_in_the_order_in_which_they_were_recorded(self, at: Setting) -> None:
        at.started()
        # Neither their names nor the clock, which stands still or goes back, tells the order.
        recorded = [
            StepResult(step="verify", reply=said("v"), resolution="corrected"),
            StepResult(step="fast_pass", reply=said(), candidates=(said("a"), said("b"))),
            StepResult(step="integrity", ordinal=2),
            StepResult(step="escalate", error="DeadlineExceeded", reason="too slow"),
            StepResult(step="integrity", violations=(Violation(kind="not_json", message="no"),)),
            StepResult(step="judge", verdict="verify", confidence=Confidence(value=0.5)),
        ]
        for one in recorded:
            assert at.port.record("alice", ID, one) == one
            at.clock.at_ms -= 10
        progress = at.port.progress("alice", ID)
        assert progress
        assert list(progress.results) == recorded

    def test_the_first_result_of_a_step_stands(self, at: Setting) -> None:
        at.started()
        first, second = (StepResult(step="verify", reply=said(text)) for text in ("one", "two"))
        assert at.port.record("alice", ID, first) == first
        assert at.port.record("alice", ID, second) == first
        again = second.model_copy(update={"ordinal": 2})
        assert at.port.record("alice", ID, again) == again
        progress = at.port.progress("alice", ID)
        assert progress
        assert progress.results == (first, again)

    def test_of_many_results_at_once_one_stands_and_everybody_hears_it(self, at: Setting) -> None:
        at.started()
        stood = _at_once(lambda number: at.port.record("alice", ID, StepResult(step="judge", reason=str(number))))
        progress = at.port.progress("alice", ID)
        assert progress
        assert progress.results == (stood[0],)
        assert stood == [stood[0]] * WRITERS

    def test_the_first_conclusion_stands(self, at: Setting) -> None:
        at.started()
        assert at.port.conclude("alice", ID, failed()) == failed()
        assert at.port.conclude("alice", ID, final()) == failed()
        assert at.port.head("alice", ID) == (head(), failed())

    def test_of_many_conclusions_at_once_one_stands_and_everybody_hears_it(self, at: Setting) -> None:
        at.started()
        stood = _at_once(lambda number: at.port.conclude("alice", ID, final(f"number {number}")))
        told = at.port.head("alice", ID)
        assert told
        assert stood == [told[1]] * WRITERS

    def test_nothing_crosses_callers(self, at: Setting) -> None:
        mine = at.started("of alice")
        theirs = at.started("of bob", caller="bob")
        at.port.begin("bob", ID, "judge-1")
        at.port.record("bob", ID, StepResult(step="judge"))
        at.port.conclude("bob", ID, final("for bob"))
        assert at.port.begin("alice", ID, "judge-1")
        progress = at.port.progress("alice", ID)
        assert progress
        assert (progress.job, progress.results, progress.conclusion) == (mine, (), None)
        assert at.port.head("mallory", ID) is None
        assert at.port.progress("mallory", ID) is None
        at.port.erase("mallory", ID)
        at.port.erase("alice", ID)
        progress = at.port.progress("bob", ID)
        assert progress
        assert (progress.job, progress.conclusion) == (theirs, final("for bob"))

    def test_what_has_expired_is_gone(self, at: Setting) -> None:
        at.started()
        at.clock.at_ms += 500_000
        at.port.record("alice", ID, StepResult(step="judge"))
        at.port.conclude("alice", ID, final())
        at.clock.at_ms = START_MS + KEEP_S * 1_000 - 1
        assert at.port.progress("alice", ID)
        assert at.port.head("alice", ID)
        at.clock.at_ms += 1
        self._gone(at)

    def test_what_was_erased_is_gone_and_nothing_joins_it(self, at: Setting) -> None:
        at.started()
        at.port.begin("alice", ID, "judge-1")
        at.port.erase("alice", ID)
        self._gone(at)
        at.port.erase("alice", ID)
        at.port.put(job("anew"), head())
        progress = at.port.progress("alice", ID)
        assert progress
        assert (progress.job, progress.results, progress.conclusion) == (job("anew"), (), None)
        assert at.port.begin("alice", ID, "judge-1")

    def _gone(self, at: Setting) -> None:
        result = StepResult(step="verify", reply=said("late"))
        assert at.port.record("alice", ID, result) == result
        assert at.port.conclude("alice", ID, final("late")) == final("late")
        assert not at.port.begin("alice", ID, "verify-1")
        assert at.port.progress("alice", ID) is None
        assert at.port.head("alice", ID) is None


def _at_once(work: Any) -> list[Any]:
    begun = Barrier(WRITERS)

    def one(number: int) -> Any:
        begun.wait()
        return work(number)

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(one, range(WRITERS)))
