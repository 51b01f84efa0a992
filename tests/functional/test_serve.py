"""The whole pipeline over a real DynamoDB, 200 requests at once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import httpx
import pytest

from signalbox.contracts.adapters import AdapterRequest, AdapterResult
from signalbox.execution.cascade.work import Tools
from signalbox.execution.serve import preview, serve
from signalbox.execution.served import Asked
from signalbox.execution.services import Services
from signalbox.idempotency.once import PowertoolsOnce
from signalbox.ledger.store import DynamoLedger
from signalbox.policy.resolved import Budget
from signalbox.transport.dynamodb import DynamoDB
from tests.builders import prices, reply, request
from tests.fakes.bodies import MemoryBodies
from tests.fakes.conversations import MemoryConversations
from tests.fakes.health import FakeHealth
from tests.fakes.receipts import MemoryReceipts, ReceiptingInvoker
from tests.fakes.replies import FakeReplies
from tests.fakes.steps import StepMachine
from tests.functional.stores import Stores
from tests.unit.execution.serving import PLAIN, Shelf

DAY_S = 86_400
SUBMITS, ROOM = 200, 20


class Now:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


@dataclass
class Busy:
    """A model that takes its time and bills each call differently."""

    billed: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def invoke(self, request: AdapterRequest) -> AdapterResult:
        with self.lock:
            cost = 100 + len(self.billed)
            self.billed.append(cost)
        time.sleep(0.3)
        return reply(request.model, cost_microusd=cost)


def services(stores: Stores, invoker: Busy) -> Services:
    receipts, clock = MemoryReceipts(), Now()
    client = httpx.Client(limits=httpx.Limits(max_connections=64))
    dynamodb = DynamoDB(stores.dynamodb.region, stores.url, stores.dynamodb.keys, lambda: client)
    ledger = DynamoLedger(dynamodb, stores.table("Ledger"), stores.table("Counters"), DAY_S, DAY_S, clock)
    asking, health, kept = ReceiptingInvoker(invoker, receipts), FakeHealth(), FakeReplies(clock)
    return Services(
        policy=PLAIN,
        prices=prices(*PLAIN.roster.values()),
        invoker=asking,
        clock=clock,
        health=health,
        ledger=ledger,
        conversations=MemoryConversations(clock),
        once=PowertoolsOnce(dynamodb, stores.table("Idempotency"), MemoryBodies()),
        receipts=receipts,
        replies=kept,
        machine=StepMachine(Tools(PLAIN, asking, clock, health), kept, ledger, receipts),
        collections=Shelf(),
    )


@pytest.mark.row("E2")
def test_200_at_once_against_a_cap_with_room_for_20(stores: Stores) -> None:
    model = Busy()
    open_to_all = services(stores, model)
    worst = sum(hop.worst_cost_microusd for hop in preview(request(), open_to_all).hops)
    cap = ROOM * worst
    here = replace(open_to_all, policy=replace(PLAIN, budgets=(Budget("caller", None, "day", cap),)))
    begun = threading.Barrier(SUBMITS)

    def submit(number: int) -> str:
        begun.wait()
        asked = Asked(request(f"number {number}", request_id=f"req_{number:03}"), here.clock.now_ms())
        served = serve(asked, here)
        return served.error.code if served.error else "ok"

    with ThreadPoolExecutor(SUBMITS) as pool:
        ends = list(pool.map(submit, range(SUBMITS)))

    assert set(ends) == {"ok", "budget_exceeded"}
    assert ends.count("ok") == len(model.billed) >= ROOM
    entries = [here.ledger.get("alice", f"req_{number:03}") for number in range(SUBMITS)]
    booked = [entry.booked_microusd for entry in entries if entry]
    assert len(booked) == SUBMITS
    assert sum(booked) == sum(model.billed) <= cap
    assert isinstance(here.ledger, DynamoLedger)
    counters = stores.dynamodb.query(
        here.ledger._tables.counters, "#c = :c", {":c": "caller#alice"}, names={"#c": "counter"}, consistent=True
    )
    assert [(one["spent"], one["reserved"], one["committed"]) for one in counters] == [(sum(booked), 0, sum(booked))]


@pytest.mark.row("E1")
def test_50_at_once_with_one_key_are_one_call(stores: Stores) -> None:
    model = Busy()
    here = services(stores, model)

    def submit(number: int) -> tuple[str, bool]:
        asked = Asked(request("the same", request_id=f"req_{number:03}"), here.clock.now_ms(), "one-key")
        served = serve(asked, here)
        assert served.answer is not None
        return served.answer.model_dump_json(), served.replay is None

    with ThreadPoolExecutor(50) as pool:
        given = list(pool.map(submit, range(50)))
    assert len(model.billed) == 1
    assert len({text for text, _ in given}) == 1
    assert sum(fresh for _, fresh in given) == 1
