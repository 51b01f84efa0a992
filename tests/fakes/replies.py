"""``Replies`` in memory."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from signalbox.contracts.plans import Conclusion, Job, Progress, ReplyHead, StepResult
from signalbox.execution.ports import Clock
from signalbox.transport.dynamodb import StoreUnavailable
from tests.fakes.dynamodb import Fault

Key = tuple[str, str]


@dataclass
class KeptReply:
    job: Job
    head: ReplyHead
    expires_at_ms: int
    begun: set[str] = field(default_factory=set)
    results: list[StepResult] = field(default_factory=list)
    conclusion: Conclusion | None = None

    @property
    def progress(self) -> Progress:
        return Progress(
            job=self.job, results=tuple(self.results), begun=tuple(sorted(self.begun)), conclusion=self.conclusion
        )


@dataclass
class FakeReplies:
    """``keep_s`` as in the real one; ``faults`` is asked before every call, as ``InMemoryDynamoDB`` asks it."""

    clock: Clock
    keep_s: int = 86_400
    faults: Callable[[], Fault | None] = lambda: None
    kept: dict[Key, KeptReply] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def put(self, job: Job, head: ReplyHead) -> None:
        with self._call():
            expires_at_ms = self.clock.now_ms() + self.keep_s * 1_000
            self.kept.setdefault((head.caller, head.request_id), KeptReply(job, head, expires_at_ms))

    def progress(self, caller: str, request_id: str) -> Progress | None:
        with self._call():
            found = self._found(caller, request_id)
            return found.progress if found else None

    def begin(self, caller: str, request_id: str, step: str) -> bool:
        with self._call():
            found = self._found(caller, request_id)
            if found is None or step in found.begun:
                return False
            found.begun.add(step)
            return True

    def record(self, caller: str, request_id: str, result: StepResult) -> StepResult:
        with self._call():
            found = self._found(caller, request_id)
            if found is None:
                return result
            stands = found.progress.of(result.step, result.ordinal)
            if stands is None:
                found.results.append(result)
            return stands or result

    def conclude(self, caller: str, request_id: str, conclusion: Conclusion) -> Conclusion:
        with self._call():
            found = self._found(caller, request_id)
            if found is None:
                return conclusion
            found.conclusion = found.conclusion or conclusion
            return found.conclusion

    def head(self, caller: str, request_id: str) -> tuple[ReplyHead, Conclusion | None] | None:
        with self._call():
            found = self._found(caller, request_id)
            return (found.head, found.conclusion) if found else None

    def erase(self, caller: str, request_id: str) -> None:
        with self._call():
            self.kept.pop((caller, request_id), None)

    def _found(self, caller: str, request_id: str) -> KeptReply | None:
        found = self.kept.get((caller, request_id))
        return found if found and found.expires_at_ms > self.clock.now_ms() else None

    @contextmanager
    def _call(self) -> Iterator[None]:
        """One at a time; a fault strikes before the work or after it."""
        with self.lock:
            fault = self.faults()
            if fault == "lost":
                raise StoreUnavailable("lost")
            yield
            if fault == "unanswered":
                raise StoreUnavailable("unanswered")
