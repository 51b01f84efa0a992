"""``Once`` on Powertools and a real DynamoDB: crowds, crashes and lost answers."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from signalbox.contracts.answers import Answer
from signalbox.contracts.errors import Conflict
from signalbox.execution.ports import Once
from signalbox.idempotency.once import PowertoolsOnce
from signalbox.idempotency.ticket import NotKept, Ticket
from signalbox.transport.dynamodb import DynamoDB, StoreUnavailable
from tests.builders import FakeClock, reply
from tests.fakes.bodies import MemoryBodies
from tests.fakes.once import MemoryOnce
from tests.functional.stores import Stores


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def answer(request_id: str = "req_1", text: str = "fine") -> Answer:
    told = reply("small", text).reply
    assert told is not None
    return Answer(request_id=request_id, created_at_ms=now_ms(), reply=told, facts={"a": 1}, headers={"x": "y"})


def ticket(key: str = "k", **changed: Any) -> Ticket:
    whole = Ticket("idempotency", "alice", key, "body", 60, lease_ms=5_000, wait_until_ms=now_ms() + 10_000)
    return replace(whole, **changed)


@pytest.fixture
def once(stores: Stores) -> PowertoolsOnce:
    return PowertoolsOnce(stores.dynamodb, stores.table("Idempotency"), MemoryBodies())


@pytest.fixture(params=["powertools", "memory"])
def either(request: pytest.FixtureRequest) -> Iterator[Once]:
    """The contract that both keep."""
    if request.param == "memory":
        yield MemoryOnce(FakeClock(now_ms()))
    else:
        yield request.getfixturevalue("once")


class Counted:
    """Work that says how often it was done."""

    def __init__(self, takes_s: float = 0) -> None:
        self.times, self.takes_s = 0, takes_s

    def __call__(self) -> Answer:
        self.times += 1
        time.sleep(self.takes_s)
        return answer(f"req_{self.times}")


@pytest.mark.row("E1")
def test_the_second_is_given_what_the_first_got(either: Once) -> None:
    work = Counted()
    first, second = either.run(ticket(), work), either.run(ticket(), work)
    assert (first.fresh, second.fresh, work.times) == (True, False, 1)
    assert first.answer == second.answer


@pytest.mark.row("E1")
def test_another_body_is_refused(either: Once) -> None:
    either.run(ticket(), Counted())
    with pytest.raises(Conflict) as refused:
        either.run(ticket(fingerprint="another"), Counted())
    assert refused.value.code == "idempotency_key_reuse"


@pytest.mark.row("E1")
@pytest.mark.parametrize("other", [{"caller": "bob"}, {"kind": "cache"}, {"key": "other"}])
def test_another_ticket_is_another_answer(either: Once, other: dict[str, Any]) -> None:
    work = Counted()
    either.run(ticket(), work)
    assert either.run(ticket(**other), work).fresh
    assert work.times == 2


def raising(error: BaseException) -> Callable[[], Answer]:
    def work() -> Answer:
        raise error

    return work


@pytest.mark.row("E1")
@pytest.mark.parametrize("error", [NotKept("just for you"), ValueError("broken"), StoreUnavailable("down")])
def test_what_was_raised_is_raised_and_nothing_kept(either: Once, error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        either.run(ticket(), raising(error))
    assert raised.value is error
    assert either.run(ticket(), Counted()).fresh


@pytest.mark.row("A12")
def test_renewing_replaces_and_forgetting_erases(either: Once) -> None:
    either.run(ticket(), Counted())
    either.renew(ticket(), answer("newer"))
    assert either.run(ticket(), Counted()).answer.request_id == "newer"
    either.forget([ticket().id, ticket("never").id])
    assert either.run(ticket(), Counted()).fresh


@pytest.mark.row("E1")
def test_of_fifty_at_once_one_works(once: PowertoolsOnce) -> None:
    work, shared = Counted(takes_s=0.5), ticket()
    with ThreadPoolExecutor(50) as pool:
        given = list(pool.map(lambda _: once.run(shared, work), range(50)))
    assert work.times == 1
    assert sum(one.fresh for one in given) == 1
    assert len({one.answer.model_dump_json() for one in given}) == 1


@pytest.mark.row("E1")
def test_when_the_first_fails_the_next_one_works(once: PowertoolsOnce) -> None:
    done: list[str] = []

    def work() -> Answer:
        done.append("began")
        time.sleep(0.2)
        if len(done) == 1:
            raise NotKept("failed")
        return answer()

    def run(_: int) -> str:
        try:
            return "fresh" if once.run(ticket(), work).fresh else "given"
        except NotKept:
            return "failed"

    with ThreadPoolExecutor(8) as pool:
        ends = sorted(pool.map(run, range(8)))
    assert ends == ["failed", "fresh", *["given"] * 6]
    assert len(done) == 2


@pytest.mark.row("E1")
def test_who_waits_too_long_is_told_when_to_come_back(once: PowertoolsOnce) -> None:
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(once.run, ticket(), Counted(takes_s=1.5))
        time.sleep(0.4)
        with pytest.raises(Conflict) as told:
            once.run(ticket(wait_until_ms=now_ms() + 300), Counted())
        assert first.result().fresh
    assert told.value.code == "request_in_flight"
    assert told.value.retry_after_ms


class Killed(BaseException):
    """As the process ends: nothing is tidied up."""


@pytest.mark.row("E1")
def test_twenty_crashes_leave_twenty_keys_free_after_their_lease(once: PowertoolsOnce) -> None:
    keys = [f"key-{number}" for number in range(20)]
    for key in keys:
        with pytest.raises(Killed):
            once.run(ticket(key, lease_ms=400), raising(Killed()))
    with pytest.raises(Conflict):  # not before it is over
        once.run(ticket(keys[-1], wait_until_ms=now_ms()), Counted())
    work = Counted()
    assert all(once.run(ticket(key), work).fresh for key in keys)
    assert work.times == 20


@pytest.mark.row("E1")
def test_who_outlives_the_lease_gives_way_to_whoever_took_over(once: PowertoolsOnce) -> None:
    slow, quick = Counted(takes_s=1.5), Counted()
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(once.run, ticket(lease_ms=300), slow)
        time.sleep(0.8)
        winner = once.run(ticket(), quick)
        loser = late.result()
    assert winner.fresh
    assert not loser.fresh
    assert loser.answer == winner.answer


class Flaky(DynamoDB):
    """Does what it is told; ``loses`` says of which operations the first answer is lost, ``fails`` what fails."""

    def __init__(self, inner: DynamoDB, loses: tuple[str, ...] = (), fails: tuple[str, ...] = ()) -> None:
        super().__init__(inner.region, inner.url, inner.keys, inner.client)
        self.__dict__.update(loses=list(loses), fails=fails)

    def _call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if operation in self.__dict__["fails"]:
            raise StoreUnavailable(f"{operation} failed")
        found = super()._call(operation, arguments)
        if operation in self.__dict__["loses"]:
            self.__dict__["loses"].remove(operation)
            return super()._call(operation, arguments)  # made again, as the client does
        return found


@pytest.mark.row("E1")
@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem", "DeleteItem"])
def test_a_write_whose_answer_was_lost_is_known_again(once: PowertoolsOnce, operation: str) -> None:
    flaky = replace(once, dynamodb=Flaky(once.dynamodb, loses=(operation,)))
    work = Counted()
    if operation == "DeleteItem":
        with pytest.raises(NotKept):
            flaky.run(ticket(), raising(NotKept("x")))
    # Not by waiting for its own lease to end.
    assert flaky.run(ticket(wait_until_ms=now_ms() + 500), work).fresh
    assert not once.run(ticket(), work).fresh
    assert work.times == 1


@pytest.mark.row("E1")
def test_without_a_store_nothing_is_done(once: PowertoolsOnce) -> None:
    work = Counted()
    with pytest.raises(StoreUnavailable):
        replace(once, dynamodb=Flaky(once.dynamodb, fails=("PutItem",))).run(ticket(), work)
    assert work.times == 0


@pytest.mark.row("E1")
def test_what_was_raised_is_raised_though_the_key_could_not_be_freed(once: PowertoolsOnce) -> None:
    failing = replace(once, dynamodb=Flaky(once.dynamodb, fails=("DeleteItem",)))
    with pytest.raises(NotKept):
        failing.run(ticket(lease_ms=300), raising(NotKept("x")))


@pytest.mark.row("E1")
def test_an_answer_that_could_not_be_kept_is_given_all_the_same(once: PowertoolsOnce) -> None:
    failing = replace(once, dynamodb=Flaky(once.dynamodb, fails=("UpdateItem",)))
    assert failing.run(ticket(lease_ms=300), Counted()).fresh
    assert once.run(ticket(), Counted()).fresh  # its lease over


def test_an_answer_too_long_for_an_item_lies_in_the_bucket(stores: Stores) -> None:
    import secrets

    bodies = MemoryBodies()
    once = PowertoolsOnce(stores.dynamodb, stores.table("Idempotency"), bodies)
    long = answer(text=secrets.token_hex(400_000))
    once.run(ticket(), lambda: long)
    assert len(bodies.kept) == 1
    assert next(iter(bodies.kept)).startswith("alice/")
    assert once.run(ticket(), Counted()).answer == long
    bodies.kept.clear()  # lost, or erased
    assert once.run(ticket(), Counted()).fresh
    once.run(ticket("other"), lambda: long)
    once.forget([ticket("other").id])
    assert bodies.kept == {}


def test_a_record_that_cannot_be_read_counts_as_none(once: PowertoolsOnce) -> None:
    once.run(ticket(), Counted())
    values = {":data": '{"answer": "bm9uc2Vuc2U="}'}
    once.dynamodb.update(once.table, {"id": ticket().id}, "SET #d = :data", names={"#d": "data"}, values=values)
    assert once.run(ticket(), Counted()).fresh


def test_an_expired_answer_counts_as_none(once: PowertoolsOnce) -> None:
    once.run(ticket(keep_s=1), Counted())
    time.sleep(2.1)
    assert once.run(ticket(), Counted()).fresh
