"""The whole pipeline over stores in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from signalbox.contracts.adapters import AdapterResult
from signalbox.contracts.passages import Passage
from signalbox.contracts.requests import InferenceRequest
from signalbox.execution.cascade.work import Tools
from signalbox.execution.serve import forgetting, serve
from signalbox.execution.served import Asked, Served
from signalbox.execution.services import Services
from signalbox.idempotency.cache import CacheControl
from signalbox.policy.resolved import Policy, Role
from signalbox.retrieval.errors import RetrievalUnavailable
from tests.builders import FakeClock, ScriptedInvoker, model, policy, prices, reply, request, route
from tests.fakes.conversations import MemoryConversations
from tests.fakes.health import FakeHealth
from tests.fakes.ledger import InMemoryLedger
from tests.fakes.once import MemoryOnce
from tests.fakes.receipts import MemoryReceipts, ReceiptingInvoker
from tests.fakes.replies import FakeReplies
from tests.fakes.steps import StepMachine

SMALL, LARGE = model("small"), model("large", window_tokens=50_000)
FAST = Role("fast", SMALL, (LARGE,))
PLAIN = policy(route(FAST))


@dataclass
class Shelf:
    """``Collections`` in memory: every search finds ``passages``, or none where they are lost."""

    passages: tuple[Passage, ...] = (Passage(id="refunds.1", title="Refunds", text="Within 14 days."),)
    lost: bool = False

    def search(self, collection: str, query: str, limit_ms: int) -> tuple[Passage, ...]:
        if self.lost:
            raise RetrievalUnavailable("the bucket is away")
        return self.passages


@dataclass
class Desk:
    """A router whose models answer by ``script``; every store can be looked into."""

    services: Services
    clock: FakeClock
    invoker: ScriptedInvoker
    ledger: InMemoryLedger
    once: MemoryOnce
    conversations: MemoryConversations
    receipts: MemoryReceipts
    health: FakeHealth
    replies: FakeReplies
    machine: StepMachine
    shelf: Shelf
    number: int = 0

    def ask(
        self,
        text: str = "hello",
        *,
        key: str | None = None,
        cache: CacheControl | None = None,
        whole: bool = False,
        **fields: Any,
    ) -> Served:
        """One request, with an id of its own."""
        return serve(self.asked(text, key=key, cache=cache, whole=whole, **fields), self.services)

    def asked(
        self,
        text: str,
        *,
        key: str | None = None,
        cache: CacheControl | None = None,
        whole: bool = False,
        **fields: Any,
    ) -> Asked:
        self.number += 1
        asked: InferenceRequest = request(text, **({"request_id": f"req_{self.number:03}"} | fields))
        return Asked(asked, self.clock.now_ms(), key, cache or CacheControl(), whole)

    def under(self, other: Policy) -> "Desk":
        """The same stores, another policy."""
        return replace(self, services=replace(self.services, policy=other))

    @property
    def calls(self) -> list[str]:
        return [call.model for call in self.invoker.calls]


def desk(rules: Policy = PLAIN, script: Mapping[str, Sequence[AdapterResult]] | None = None, **ledger: Any) -> Desk:
    """Every model replies for ever, unless ``script`` says what it does."""
    clock = FakeClock(1_795_000_000_000)
    replies = {name: [reply(name)] * 100 for name in rules.roster}
    invoker = ScriptedInvoker(replies | {name: list(results) for name, results in (script or {}).items()}, clock)
    receipts, once, health = MemoryReceipts(), MemoryOnce(clock), FakeHealth()
    kept = FakeReplies(clock)
    conversations = MemoryConversations(clock, forget=forgetting(once, receipts.erase, kept.erase))
    books = InMemoryLedger(clock, **ledger)
    asking = ReceiptingInvoker(invoker, receipts)
    machine = StepMachine(Tools(rules, asking, clock, health, clock.sleep_s), kept, books, receipts)
    shelf = Shelf()
    services = Services(
        policy=rules,
        prices=prices(*rules.roster.values()),
        invoker=asking,
        clock=clock,
        health=health,
        ledger=books,
        conversations=conversations,
        once=once,
        receipts=receipts,
        replies=kept,
        machine=machine,
        collections=shelf,
    )
    return Desk(services, clock, invoker, books, once, conversations, receipts, health, kept, machine, shelf)
