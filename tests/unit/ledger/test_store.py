"""The ledger's own words: once is once, nobody sees another's entry, text goes away earlier than the rest."""

import json
import secrets

import httpx
import pytest

from signalbox.contracts.ledger import AttemptFacts, Entry
from signalbox.contracts.receipts import Receipt
from signalbox.ledger.reconcile import reconcile
from signalbox.quotas.standing import QuotaExceeded
from signalbox.transport import dynamodb
from signalbox.transport.dynamodb import DynamoDB, StoreUnavailable, Write
from signalbox.transport.exchange import Answer
from signalbox.transport.sigv4 import Keys
from tests.builders import FakeClock
from tests.fakes.ledger import COUNTERS, DAY_S, LEDGER, InMemoryLedger
from tests.unit.quotas.samples import NOW_MS, entry, hold

BILLED = AttemptFacts(model="small", cost_microusd=20)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW_MS)


@pytest.fixture
def ledger(clock: FakeClock) -> InMemoryLedger:
    return InMemoryLedger(clock)


def ended(of: Entry, **fields: object) -> Entry:
    return of.model_copy(update={"state": "settled", "attempts": (BILLED,), "status": 200, **fields})


@pytest.mark.row("E2")
def test_a_limit_without_room_takes_nothing_at_all(ledger: InMemoryLedger) -> None:
    ledger.open(entry(hold(limit=150), hold("global", limit=1_000)))
    full = entry(hold(limit=150), hold("global", limit=1_000), request_id="req_2")
    with pytest.raises(QuotaExceeded) as refused:
        ledger.open(full)
    assert [(one.hold.counter, one.committed) for one in refused.value.standings] == [("caller#alice", 100)]
    assert set(ledger.counters.values()) == {100}
    assert ledger.get("alice", "req_2") is None


@pytest.mark.row("E2")
@pytest.mark.parametrize(("amount", "limit"), [(101, 100), (1, 0)])
def test_what_is_more_than_the_whole_limit_has_no_room_in_a_new_window(
    ledger: InMemoryLedger, amount: int, limit: int
) -> None:
    with pytest.raises(QuotaExceeded):
        ledger.open(entry(hold(amount=amount, limit=limit)))
    assert not ledger.counters


def test_standings_are_of_rates_alone_and_after_the_request(ledger: InMemoryLedger) -> None:
    rate = hold(measure="requests", limit=9, amount=1)
    assert [one.committed for one in ledger.open(entry(rate, hold()))] == [1]
    assert [one.committed for one in ledger.open(entry(rate, hold(), request_id="req_2"))] == [2]
    assert ledger.memory.calls.count("BatchGetItem") == 2


def test_nothing_is_read_where_no_rate_is_limited(ledger: InMemoryLedger) -> None:
    ledger.open(entry(hold()))
    assert ledger.memory.calls == ["TransactWriteItems"]


def test_another_entry_of_the_same_id_is_not_taken_for_it(ledger: InMemoryLedger) -> None:
    ledger.open(entry(hold()))
    with pytest.raises(StoreUnavailable):
        ledger.open(entry(hold(amount=50)))
    assert list(ledger.counters.values()) == [100]


@pytest.mark.row("B10")
def test_an_entry_is_its_callers_alone(ledger: InMemoryLedger) -> None:
    ledger.open(entry(hold()))
    assert ledger.get("bob", "req_1") is None
    assert ledger.get("alice", "req_1") == entry(hold())


@pytest.mark.row("B10")
def test_what_people_look_for_is_an_attribute_of_the_item(ledger: InMemoryLedger) -> None:
    ledger.open(entry(hold()))
    (opened,) = ledger.memory.items(LEDGER)
    assert opened["lease_shard"].startswith("open#")
    ledger.settle(ended(entry(hold())))
    (found,) = ledger.memory.items(LEDGER)
    told = ("state", "route", "role", "model", "status", "booked_microusd", "reserved_microusd", "policy_version")
    assert [found[name] for name in told] == ["settled", "all", "premium", "small", 200, 20, 100, "0123456789ab"]
    assert not {"lease_shard", "lease_ends_at_ms", "error"} & found.keys()


def test_a_record_overwrites_nothing(ledger: InMemoryLedger) -> None:
    ledger.open(entry(hold()))
    ledger.record(ended(entry()))
    found = ledger.get("alice", "req_1")
    assert found is not None
    assert found.state == "open"


@pytest.mark.row("B10")
def test_text_goes_away_earlier_than_the_entry(ledger: InMemoryLedger, clock: FakeClock) -> None:
    ledger.open(entry(hold()))
    ledger.settle(ended(entry(hold()), prompt='["hi"]', reply="{}"))
    assert [(one.prompt, one.reply) for one in ledger.entries] == [('["hi"]', "{}")]
    assert not any("hi" in one.get("entry", "") for one in ledger.memory.items(LEDGER))
    clock.at_ms += 7 * DAY_S * 1_000
    assert [(one.prompt, one.reply, one.status) for one in ledger.entries] == [(None, None, 200)]
    clock.at_ms += 83 * DAY_S * 1_000
    assert not ledger.entries


def test_a_long_text_is_kept_whole_in_items_that_fit(ledger: InMemoryLedger) -> None:
    long = secrets.token_hex(1_000_000)
    ledger.record(ended(entry(), prompt=long, reply="short"))
    assert [one.prompt for one in ledger.entries] == [long]
    assert all(len(one.get("text", b"")) < 400_000 for one in ledger.memory.items(LEDGER))


@pytest.mark.row("E2")
def test_a_counter_that_was_thrown_away_does_not_come_back(ledger: InMemoryLedger) -> None:
    holds = (hold("global"), hold(), hold(measure="in_flight", amount=1))
    ledger.open(entry(*holds))
    del ledger.memory.stored[COUNTERS]["caller#alice", "microusd#day#2026-11-21"]
    ledger.settle(ended(entry(*holds)))
    assert ledger.counters == {("global", "microusd#day#2026-11-21"): 20, ("caller#alice", "in_flight"): 0}


class Receipts:
    """Of ``req_2`` alone; asked for ``req_1``'s it breaks."""

    def find(self, receipt: str) -> tuple[Receipt, ...]:
        if receipt == "alice#req_1":
            raise ValueError("broken")
        return (
            Receipt(receipt=receipt, request_id="req_2", attempt=BILLED),
            Receipt(receipt=receipt, request_id="another", attempt=BILLED),
        )


@pytest.mark.row("E2")
def test_one_entry_that_fails_does_not_stop_the_others(ledger: InMemoryLedger, clock: FakeClock) -> None:
    for number in (1, 2, 3):
        ledger.open(entry(hold(), request_id=f"req_{number}", receipt=f"alice#req_{number}"))
    clock.at_ms += 13_001
    failed: list[str] = []
    done = reconcile(
        ledger.books, Receipts(), clock.at_ms, in_time=lambda: True, failed=lambda id_, error: failed.append(id_)
    )
    assert (done.recovered, done.orphaned, done.failed, failed) == (1, 1, 1, ["req_1"])
    states = {one.request_id: (one.state, one.booked_microusd) for one in ledger.entries}
    assert states == {"req_1": ("open", 0), "req_2": ("settled", 20), "req_3": ("orphaned", 100)}


def test_a_lease_that_has_not_ended_is_left_alone(ledger: InMemoryLedger, clock: FakeClock) -> None:
    ledger.open(entry(hold()))
    clock.at_ms += 13_000
    assert not list(ledger.books.expired(clock.at_ms, 10))
    assert list(ledger.books.expired(clock.at_ms + 1, 10)) == [("alice", "req_1")]


def test_what_cannot_be_finished_in_time_is_not_begun(ledger: InMemoryLedger, clock: FakeClock) -> None:
    ledger.open(entry(hold()))
    done = reconcile(ledger.books, Receipts(), clock.at_ms + 20_000, in_time=lambda: False, failed=lambda *_: None)
    assert done.unfinished
    assert [one.state for one in ledger.entries] == ["open"]


class Contended(DynamoDB):
    """Refuses every transaction because of others, until it has done so ``times`` times."""

    times = 0

    def _post(self, operation: str, body: bytes) -> Answer:
        told = {"__type": "x#TransactionCanceledException", "CancellationReasons": [{"Code": "TransactionConflict"}]}
        if type(self).times == 0:
            return Answer(200, httpx.Headers(), b"{}", 0)
        type(self).times -= 1
        return Answer(400, httpx.Headers(), json.dumps(told).encode(), 0)


@pytest.mark.row("E2")
def test_a_transaction_that_only_meets_others_is_made_again_for_long_but_not_for_ever() -> None:
    slept_s: list[float] = []
    store = Contended("r", "http://x", lambda: Keys("a", "b"), sleep_s=slept_s.append)
    Contended.times = 12
    store.transact([Write("ConditionCheck", "T", {"id": "1"})])
    assert len(slept_s) == 12
    Contended.times = 100_000
    with pytest.raises(StoreUnavailable, match="TransactionConflict"):
        store.transact([Write("ConditionCheck", "T", {"id": "1"})])
    patience_s = dynamodb.CONFLICT_PATIENCE_MS / 1_000
    assert patience_s <= sum(slept_s[12:]) <= patience_s + dynamodb.LONGEST_PAUSE_MS / 1_000


@pytest.mark.row("E2")
def test_an_orphaned_entry_is_corrected_once_its_cost_is_known(ledger: InMemoryLedger) -> None:
    holds = (hold(), hold(measure="in_flight", amount=1))
    ledger.open(entry(*holds))
    assert ledger.books.orphan(entry(*holds), ()) == "orphaned"
    assert list(ledger.counters.values()) == [0, 100]
    ledger.settle(ended(entry(*holds)))
    ledger.settle(ended(entry(*holds)))
    assert list(ledger.counters.values()) == [0, 20]
    assert [(one.state, one.booked_microusd) for one in ledger.entries] == [("settled", 20)]


@pytest.mark.row("E2")
def test_an_entry_that_settled_while_the_reconciler_looked_is_not_orphaned(ledger: InMemoryLedger) -> None:
    ledger.open(entry(hold()))
    ledger.settle(ended(entry(hold())))
    assert ledger.books.orphan(entry(hold()), ()) is None
    assert list(ledger.counters.values()) == [20]
