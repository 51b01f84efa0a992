"""``Once`` in memory: one thread at a time, as a test calls it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from signalbox.contracts.answers import Answer
from signalbox.contracts.errors import Conflict
from signalbox.execution.ports import Clock
from signalbox.idempotency.ticket import Given, Ticket


@dataclass
class MemoryOnce:
    """``kept`` by ticket id: the fingerprint and the answer, None while its work runs."""

    clock: Clock
    kept: dict[str, tuple[str, Answer | None]] = field(default_factory=dict)

    def run(self, ticket: Ticket, work: Callable[[], Answer]) -> Given:
        if ticket.id in self.kept:
            fingerprint, answer = self.kept[ticket.id]
            if fingerprint != ticket.fingerprint:
                raise Conflict("idempotency_key_reuse", "used for another request")
            if answer is None:
                raise Conflict("request_in_flight", "still being answered", retry_after_ms=1_000)
            return Given(answer, fresh=False, age_s=(self.clock.now_ms() - answer.created_at_ms) // 1_000)
        self.kept[ticket.id] = ticket.fingerprint, None
        try:
            answer = work()
        except Exception:
            del self.kept[ticket.id]
            raise
        self.kept[ticket.id] = ticket.fingerprint, answer
        return Given(answer, fresh=True)

    def renew(self, ticket: Ticket, answer: Answer) -> None:
        self.kept[ticket.id] = ticket.fingerprint, answer

    def forget(self, ids: Iterable[str]) -> None:
        for one in ids:
            self.kept.pop(one, None)
