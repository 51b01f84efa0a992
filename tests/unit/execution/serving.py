"""The whole pipeline over stores in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from signalbox.contracts.adapters import AdapterResult
from signalbox.contracts.requests import InferenceRequest
from signalbox.execution.serve import forgetting, serve
from signalbox.execution.served import Asked, Served
from signalbox.execution.services import Services
from signalbox.idempotency.cache import CacheControl
from signalbox.policy.resolved import Policy, Role
from tests.builders import FakeClock, ScriptedInvoker, model, policy, prices, reply, request, route
from tests.fakes.conversations import MemoryConversations
from tests.fakes.health import FakeHealth
from tests.fakes.ledger import InMemoryLedger
from tests.fakes.once import MemoryOnce
from tests.fakes.receipts import MemoryReceipts, ReceiptingInvoker

SMALL, LARGE = model("small"), model("large", window_tokens=50_000)
FAST = Role("fast", SMALL, (LARGE,))
PLAIN = policy(route(FAST))


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


def desk(rules: Policy = PLAIN, script: dict[str, Sequence[AdapterResult]] | None = None, **ledger: Any) -> Desk:
    """Every model replies for ever, unless ``script`` says what it does."""
    clock = FakeClock(1_795_000_000_000)
    replies = {name: [reply(name)] * 100 for name in rules.roster}
    invoker = ScriptedInvoker(replies | {name: list(results) for name, results in (script or {}).items()}, clock)
    receipts, once, health = MemoryReceipts(), MemoryOnce(clock), FakeHealth()
    conversations = MemoryConversations(clock, forget=forgetting(once, receipts.erase))
    books = InMemoryLedger(clock, **ledger)
    services = Services(
        policy=rules,
        prices=prices(*rules.roster.values()),
        invoker=ReceiptingInvoker(invoker, receipts),
        clock=clock,
        health=health,
        ledger=books,
        conversations=conversations,
        once=once,
        receipts=receipts,
    )
    return Desk(services, clock, invoker, books, once, conversations, receipts, health)
