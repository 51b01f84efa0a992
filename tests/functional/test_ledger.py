"""The ledger on a real DynamoDB: many at once, long texts, and the reconciler's own function."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from governance.reconcile import app
from signalbox.contracts.ledger import AttemptFacts, Entry
from signalbox.ledger.store import DynamoLedger
from signalbox.quotas.standing import QuotaExceeded
from tests.functional.stores import Stores
from tests.unit.quotas.samples import entry, hold
from workbench.local.ministack import CREDENTIALS, REGION

DAY_S = 86_400


@dataclass(frozen=True)
class Tables:
    ledger: str
    counters: str


@pytest.fixture
def tables(stores: Stores) -> Tables:
    return Tables(stores.table("Ledger"), stores.table("Counters"))


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def ledger_of(stores: Stores, tables: Tables) -> DynamoLedger:
    return DynamoLedger(stores.dynamodb, tables.ledger, tables.counters, 90 * DAY_S, 7 * DAY_S, app.SystemClock())


def running(number: int, limit: int, amount: int, lease_ms: int = 60_000) -> Entry:
    holds = (hold("global", limit=limit, amount=amount), hold(measure="in_flight", amount=1))
    return entry(
        *holds,
        request_id=f"req_{number:04}",
        opened_at_ms=now_ms(),
        lease_ends_at_ms=now_ms() + lease_ms,
        reserved_microusd=amount,
    )


@pytest.mark.row("E2")
@pytest.mark.row("B8")
def test_two_hundred_at_once_with_room_for_twenty(stores: Stores, tables: Tables) -> None:
    ledger = ledger_of(stores, tables)
    asked = [running(number, limit=20 * 37 + 36, amount=37) for number in range(200)]

    def opened(one: Entry) -> Entry | None:
        try:
            ledger.open(one)
        except QuotaExceeded:
            return None
        return one

    def settled(one: Entry) -> int:
        cost_microusd = int(one.request_id.removeprefix("req_")) % 38
        ledger.settle(one.model_copy(update={"state": "settled", "attempts": (_billed(cost_microusd),)}))
        return cost_microusd

    with ThreadPoolExecutor(32) as threads:
        taken = [one for one in threads.map(opened, asked) if one]
        assert len(taken) == 20
        assert _counter(stores, tables, "global") == {"committed": 740, "reserved": 740, "spent": 0}
        spent = sum(threads.map(settled, taken))
    assert _counter(stores, tables, "global") == {"committed": spent, "reserved": 0, "spent": spent}
    assert _counter(stores, tables, "caller#alice", "in_flight")["committed"] == 0


@pytest.mark.row("B10")
def test_a_long_text_comes_back_whole(stores: Stores, tables: Tables) -> None:
    ledger = ledger_of(stores, tables)
    one, prompt = running(1, 100, 1), secrets.token_hex(600_000)
    ledger.open(one)
    ledger.settle(one.model_copy(update={"state": "settled", "status": 200, "prompt": prompt, "reply": "{}"}))
    found = ledger.get("alice", "req_0001")
    assert found is not None
    assert (found.prompt, found.reply, found.status) == (prompt, "{}", 200)
    assert ledger.get("bob", "req_0001") is None


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 50_000


@pytest.mark.row("E2")
def test_the_function_books_what_nobody_settled(
    stores: Stores, tables: Tables, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    named = {
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": stores.url,
        "LEDGER_TABLE": tables.ledger,
        "COUNTERS_TABLE": tables.counters,
        "RECEIPTS_TABLE": stores.table("Receipts"),
    }
    for name, value in {**CREDENTIALS, **named}.items():
        monkeypatch.setenv(name, value)
    app.stores.cache_clear()
    ledger = ledger_of(stores, tables)
    ledger.open(running(1, 1_000, 37, lease_ms=-1))
    ledger.open(running(2, 1_000, 40))
    assert app.handler({}, Context()) == {"recovered": 0, "orphaned": 1, "failed": 0}
    assert app.handler({}, Context()) == {"recovered": 0, "orphaned": 0, "failed": 0}
    assert _counter(stores, tables, "global") == {"committed": 77, "reserved": 40, "spent": 37}
    assert _counter(stores, tables, "caller#alice", "in_flight")["committed"] == 1
    assert '"orphaned":[1.0]' in capsys.readouterr().out.replace(" ", "")
    app.stores.cache_clear()


def _billed(cost_microusd: int) -> AttemptFacts:
    return AttemptFacts(model="small", cost_microusd=cost_microusd)


def _counter(stores: Stores, tables: Tables, counter: str, window: str = "microusd#day#2026-11-21") -> dict[str, int]:
    found = stores.dynamodb.get(tables.counters, {"counter": counter, "window": window}) or {}
    return {name: found[name] for name in ("committed", "reserved", "spent")}
