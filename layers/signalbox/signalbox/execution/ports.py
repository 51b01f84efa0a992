"""What carrying a request out needs from the outside. One port a store; in-memory ones stand in for them in tests."""

from collections.abc import Callable, Iterable
from typing import Protocol

from signalbox.contracts.adapters import AdapterRequest, AdapterResult
from signalbox.contracts.answers import Answer
from signalbox.contracts.conversations import History
from signalbox.contracts.decisions import Decision, Hop
from signalbox.contracts.ledger import Entry
from signalbox.contracts.messages import Message
from signalbox.contracts.passages import Passage
from signalbox.contracts.plans import Conclusion, Job, Progress, Ran, ReplyHead, Start, StepResult
from signalbox.contracts.receipts import Receipt
from signalbox.contracts.runtime import Runtime
from signalbox.conversations.opened import Opened
from signalbox.idempotency.ticket import Given, Ticket
from signalbox.quotas.standing import Standing


class Invoker(Protocol):
    """Calls one model's adapter."""

    def invoke(self, request: AdapterRequest) -> AdapterResult:
        """Its reply or failure. Raises nothing: a gate that is shut is ``RateLimited``, an adapter that
        broke is ``ProviderUnavailable``."""


class Clock(Protocol):
    def now_ms(self) -> int:
        """Unix time in milliseconds."""


class Health(Protocol):
    """What the models have been doing lately. Raises nothing: without it the router goes on as if all were well."""

    def read(self, models: Iterable[str]) -> Runtime:
        """Of these roster ids."""

    def enter(self, hop: Hop) -> bool:
        """Whether this request may try ``hop``: always, but for a probe, which only one may make at a time."""

    def report(self, hop: Hop, decision: Decision, result: AdapterResult, latency_ms: int) -> None:
        """What came of trying ``hop``."""


class Ledger(Protocol):
    """The record of every request, and the limits that it holds parts of. Raises ``StoreUnavailable``."""

    def open(self, entry: Entry) -> tuple[Standing, ...]:
        """Put ``entry`` on record and take its holds, all or nothing; where its limits stand after that.

        Opening the same entry twice is opening it once. Raises ``QuotaExceeded``.
        """

    def settle(self, entry: Entry) -> None:
        """Put on record how ``entry`` ended, and let every hold become what was really used.

        Settling twice is settling once; one that was orphaned meanwhile is corrected.
        """

    def record(self, entry: Entry) -> None:
        """Put on record a request that held nothing."""

    def get(self, caller: str, request_id: str) -> Entry | None:
        """The caller's own entry, None when there is none."""


class Conversations(Protocol):
    """Every conversation of every caller. Raises ``StoreUnavailable``."""

    def open(
        self, caller: str, conversation_id: str, messages: tuple[Message, ...], history: History, *, whole: bool
    ) -> Opened:
        """What is stored and what of ``messages`` is new to it. Only reads.

        ``whole``: what a single message that equals the first stored one is taken for, under ``auto``.
        """

    def claim(self, opened: Opened, request_id: str, until_ms: int, *, bound_to: str | None = None) -> Opened:
        """Keep others from appending until ``until_ms`` (Unix). ``bound_to``: the pin that it stays with
        from now on.

        Raises ``Conflict`` with the current version.
        """

    def messages(self, opened: Opened) -> tuple[Message, ...]:
        """All of it, the new turns included."""

    def commit(self, opened: Opened, request_id: str, reply: Message) -> int:
        """Append the new turns and ``reply``; the version after that. Raises ``Conflict``."""

    def release(self, opened: Opened, request_id: str) -> None:
        """Give a claim back, nothing appended."""

    def link(self, opened: Opened, answers: Iterable[str]) -> None:
        """Remember the kept answers (ids of ``Once``) that are to be erased with the conversation."""

    def erase(self, caller: str, conversation_id: str) -> None:
        """Erase turns, bodies and kept answers. Raises ``NotFound``."""


class Once(Protocol):
    """Runs work at most once for a ticket, and gives everybody who holds the ticket its answer."""

    def run(self, ticket: Ticket, work: Callable[[], Answer]) -> Given:
        """What ``work`` gives, kept, or what was kept before. Raises ``Conflict`` (``idempotency_key_reuse``,
        ``request_in_flight``), ``StoreUnavailable`` before ``work`` began, and what ``work`` raises; then
        nothing is kept, and the next one may try."""

    def renew(self, ticket: Ticket, answer: Answer) -> None:
        """Keep ``answer`` in place of whatever is kept."""

    def forget(self, ids: Iterable[str]) -> None:
        """Erase kept answers by the ids of their tickets."""


class Receipts(Protocol):
    """What adapters left behind, to read. Raises ``StoreUnavailable``."""

    def find(self, receipt: str) -> tuple[Receipt, ...]:
        """All of one partition, oldest first."""


class KeptReceipts(Receipts, Protocol):
    """The same, with the replies in them to answer for."""

    def erase(self, receipt: str) -> None:
        """All of one partition is gone afterwards."""


class Replies(Protocol):
    """Jobs of plans with several calls, step by step, each caller's own. Raises ``StoreUnavailable``."""

    def put(self, job: Job, head: ReplyHead) -> None:
        """Keep ``job``. Twice is once."""

    def progress(self, caller: str, request_id: str) -> Progress | None:
        """Everything that is known; None when there is no such job."""

    def begin(self, caller: str, request_id: str, step: str) -> bool:
        """Whether this is the first to begin ``step`` (with its ordinal, ``integrity-2``); false ever after."""

    def record(self, caller: str, request_id: str, result: StepResult) -> StepResult:
        """Keep what a step came to, unless that is known; what stands."""

    def conclude(self, caller: str, request_id: str, conclusion: Conclusion) -> Conclusion:
        """Keep the end, unless there is one; what stands."""

    def head(self, caller: str, request_id: str) -> tuple[ReplyHead, Conclusion | None] | None:
        """What a caller who waits needs, in one read; None when there is no such job."""

    def erase(self, caller: str, request_id: str) -> None:
        """All of it is gone afterwards."""


class Machine(Protocol):
    """The state machine that carries a plan out, step by step."""

    def run(self, start: Start, limit_ms: int) -> Ran:
        """Wait for it, for ``limit_ms`` at most. Raises nothing."""

    def start(self, start: Start) -> bool:
        """Whether it was started; nobody waits. It may have been started twice. Raises nothing."""


class Collections(Protocol):
    """Documents to ground replies in."""

    def search(self, collection: str, query: str, limit_ms: int) -> tuple[Passage, ...]:
        """The passages that fit ``query`` best, best first, as many and as long as the policy says of
        ``collection``. Raises ``RetrievalUnavailable``."""
