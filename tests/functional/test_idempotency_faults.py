"""``Once`` where records are damaged, erased under the work or taken over, and where the bucket fails."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest

from signalbox.contracts.answers import Answer
from signalbox.idempotency.once import PowertoolsOnce
from signalbox.transport.dynamodb import StoreUnavailable
from tests.fakes.bodies import MemoryBodies
from tests.functional.stores import Stores
from tests.functional.test_idempotency import Counted, answer, ticket

pytestmark = pytest.mark.row("E1")


def long_answer(request_id: str) -> Answer:
    """Too long for an item, however well it is compressed."""
    return answer(request_id, secrets.token_hex(400_000))


@pytest.fixture
def bodies() -> MemoryBodies:
    return MemoryBodies()


@pytest.fixture
def once(stores: Stores, bodies: MemoryBodies) -> PowertoolsOnce:
    return PowertoolsOnce(stores.dynamodb, stores.table("Idempotency"), bodies)


class FailingBodies(MemoryBodies):
    def put(self, key: str, body: bytes) -> None:
        raise StoreUnavailable("put_object failed")


def test_an_answer_that_the_bucket_does_not_take_is_given_and_its_key_is_free_after_the_lease(
    once: PowertoolsOnce,
) -> None:
    failing, long = replace(once, bodies=FailingBodies()), long_answer("req_1")
    given = failing.run(ticket(lease_ms=300), lambda: long)
    assert (given.answer, given.fresh) == (long, True)
    assert once.run(ticket(), Counted()).fresh


def test_who_outlives_the_lease_leaves_the_winners_long_answer_whole(
    once: PowertoolsOnce, bodies: MemoryBodies
) -> None:
    def slow() -> Answer:
        time.sleep(1.2)
        return long_answer("slow")

    won = long_answer("won")
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(once.run, ticket(lease_ms=300), slow)
        time.sleep(0.7)
        once.run(ticket(), lambda: won)
        assert late.result().answer == won
    assert once.run(ticket(), Counted()).answer == won
    assert len(bodies.kept) == 1


@pytest.mark.parametrize("long", [False, True])
def test_what_was_erased_while_it_was_made_is_given_and_kept_nowhere(
    once: PowertoolsOnce, bodies: MemoryBodies, long: bool
) -> None:
    def work() -> Answer:
        once.forget([ticket().id])
        return long_answer("req_1") if long else answer()

    assert once.run(ticket(), work).fresh
    assert once.dynamodb.get(once.table, {"id": ticket().id}) is None
    assert bodies.kept == {}


@pytest.mark.row("A12")
def test_a_cached_answer_renewed_while_another_was_made_leaves_both_as_they_are(once: PowertoolsOnce) -> None:
    cache = ticket(kind="cache")

    def work() -> Answer:
        once.renew(cache, answer("renewed"))
        return answer("own")

    given = once.run(cache, work)
    assert (given.answer.request_id, given.fresh) == ("own", True)
    assert once.run(cache, Counted()).answer.request_id == "renewed"


@pytest.mark.row("A12")
def test_renewing_takes_the_long_answer_before_it_along(once: PowertoolsOnce, bodies: MemoryBodies) -> None:
    once.renew(ticket(), long_answer("before"))
    after = long_answer("after")
    once.renew(ticket(), after)
    assert len(bodies.kept) == 1
    assert once.run(ticket(), Counted()).answer == after
    once.renew(ticket(), answer("short"))
    assert bodies.kept == {}


DAMAGES: list[dict[str, Any]] = [
    {"data": "no JSON"},
    {"data": "[]"},
    {"data": "{}"},
    {"data": '{"answer": 7}'},
    {"data": '{"elsewhere": "nowhere"}'},
    {"data": None},
    {"status": "FOO"},
    {"status": None},
    {"expiration": None},
    {"expiration": "soon"},
    {"validation": None},
    {"status": "INPROGRESS"},  # without a lease: it would never be over
]


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_a_damaged_record_counts_as_none(once: PowertoolsOnce, damage: dict[str, Any]) -> None:
    once.run(ticket(), Counted())
    item = once.dynamodb.get(once.table, {"id": ticket().id}) or {}
    damaged = {name: value for name, value in (item | damage).items() if value is not None}
    once.dynamodb.put(once.table, damaged)
    assert once.run(ticket(wait_until_ms=time.time_ns() // 1_000_000 + 1_000), Counted()).fresh
    assert not once.run(ticket(), Counted()).fresh


@dataclass
class Interposing(MemoryBodies):
    """Runs ``meanwhile`` once, when somebody has found a body missing."""

    meanwhile: Any = None

    def get(self, key: str) -> bytes | None:
        found, meanwhile = super().get(key), self.meanwhile
        if meanwhile:
            self.meanwhile = None
            meanwhile()
        return found


def test_who_finds_a_record_damaged_leaves_the_one_that_took_its_place(once: PowertoolsOnce) -> None:
    bodies = Interposing()
    reader = replace(once, bodies=bodies)
    reader.run(ticket(), lambda: long_answer("lost"))
    bodies.kept.clear()
    work = Counted()
    bodies.meanwhile = lambda: once.run(ticket(), work)
    assert not reader.run(ticket(), work).fresh
    assert work.times == 1
