"""The real one keeps the contract over a DynamoDB in memory, whatever answers are lost and wherever it dies."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalbox.contracts.plans import StepResult
from signalbox.replies import items
from signalbox.replies.dynamo import DynamoReplies
from signalbox.replies.items import Place
from signalbox.transport.dynamodb import StoreUnavailable
from tests.builders import FakeClock
from tests.fakes.bodies import MemoryBodies
from tests.fakes.dynamodb import Fault, InMemoryDynamoDB
from tests.unit.replies.contract import ID, KEEP_S, START_MS, RepliesContract, Setting, final, head, job, said

TABLE = "Replies"


@dataclass
class Desk:
    """``faults`` are taken one an attempt."""

    faults: list[Fault | None] = field(default_factory=list)
    clock: FakeClock = field(default_factory=lambda: FakeClock(START_MS))
    bodies: MemoryBodies = field(default_factory=MemoryBodies)

    def __post_init__(self) -> None:
        self.dynamodb = InMemoryDynamoDB(
            {TABLE: ("reply", "item")}, faults=lambda: self.faults.pop(0) if self.faults else None
        )
        self.port = DynamoReplies(self.dynamodb, TABLE, self.bodies, KEEP_S, self.clock)

    @property
    def names(self) -> list[str]:
        return [item["item"] for item in self.dynamodb.items(TABLE)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.row("A11")
class TestDynamo(RepliesContract):
    @pytest.fixture
    def at(self, desk: Desk) -> Setting:
        return Setting(desk.port, desk.clock)


@pytest.mark.row("A11")
class TestDynamoWithBodies(RepliesContract):
    """Every value is too long for an item."""

    @pytest.fixture
    def at(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Setting:
        monkeypatch.setattr(items, "MOST_ITEM_BYTES", 0)
        return Setting(desk.port, desk.clock)


@pytest.mark.row("E3")
def test_what_is_said_is_in_the_bucket_under_its_caller_and_is_erased(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(items, "MOST_ITEM_BYTES", 0)
    for caller in ("alice", "bob"):
        desk.port.put(job(caller=caller), head(caller))
        desk.port.record(caller, ID, StepResult(step="verify", reply=said("one")))
        desk.port.record(caller, ID, StepResult(step="verify", reply=said("two")))
        desk.port.conclude(caller, ID, final())
    folders = {key.rsplit("/", 1)[0] for key in desk.bodies.kept}
    assert folders == {f"alice/replies/{ID}", f"bob/replies/{ID}"}
    desk.port.erase("alice", ID)
    assert {key.split("/")[0] for key in desk.bodies.kept} == {"bob"}
    assert {item["reply"] for item in desk.dynamodb.items(TABLE)} == {f"bob#{ID}"}


def test_no_word_is_in_the_keys(desk: Desk) -> None:
    desk.port.put(job("a private sentence"), head())
    desk.port.conclude("alice", ID, final("a private reply"))
    assert desk.names == ["conclusion", "head", "job"]


@pytest.mark.row("E2")
@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_lost_answer_does_not_read_as_another_having_been_first(desk: Desk, lost: int) -> None:
    """The client asks again, and finds what it wrote itself."""
    answers: list[Fault | None] = ["unanswered"] * lost
    desk.faults += answers
    desk.port.put(job(), head())
    desk.faults += answers
    assert desk.port.begin("alice", ID, "verify-1")
    assert not desk.port.begin("alice", ID, "verify-1")
    desk.faults += [None, *answers]
    result = StepResult(step="verify", reply=said())
    assert desk.port.record("alice", ID, result) == result
    desk.faults += answers
    assert desk.port.conclude("alice", ID, final()) == final()
    assert desk.faults == []


class Died(BaseException):
    """The process ended here."""


Act = Callable[[DynamoReplies], object]
WRITES: dict[str, Act] = {
    "put": lambda port: port.put(job(), head()),
    "record": lambda port: port.record("alice", ID, StepResult(step="verify", reply=said("one"))),
    "conclude": lambda port: port.conclude("alice", ID, final()),
    "erase": lambda port: port.erase("alice", ID),
}


@pytest.mark.row("E2")
@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("bodies", [False, True], ids=["items", "bodies"])
def test_a_write_that_died_anywhere_is_made_good_by_the_next(
    name: str, bodies: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if bodies:
        monkeypatch.setattr(items, "MOST_ITEM_BYTES", 0)
    whole, deaths = _reached(name), 0
    WRITES[name](whole.port)
    while _dies(desk := _reached(name), WRITES[name], deaths):
        deaths += 1
        known, progress = desk.port.head("alice", ID), desk.port.progress("alice", ID)
        assert (known is None) == (progress is None)
        marked = {one.removeprefix("body#") for one in desk.names if one.startswith("body#")}
        assert {key.rsplit("/", 1)[1] for key in desk.bodies.kept} <= marked, "a body that nobody will find"
        WRITES[name](desk.port)
        assert desk.port.progress("alice", ID) == whole.port.progress("alice", ID)
        assert desk.names == whole.names
        assert desk.bodies.kept.keys() == whole.bodies.kept.keys()
    assert deaths == STORE_CALLS[name][bodies]


# How many calls of a store each write makes, and how many where every value is in the bucket.
STORE_CALLS = {"put": (2, 6), "record": (2, 4), "conclude": (1, 3), "erase": (5, 13)}


def _reached(name: str) -> Desk:
    """Everything before ``name`` is done."""
    desk = Desk()
    for earlier in list(WRITES)[: list(WRITES).index(name)]:
        WRITES[earlier](desk.port)
    return desk


def _dies(desk: Desk, act: Act, after: int) -> bool:
    """Whether it did, after so many calls of a store."""
    left = [after]

    def call() -> None:
        left[0] -= 1
        if left[0] == -1:
            raise Died

    with pytest.MonkeyPatch.context() as patched:
        for operation in ("put", "delete"):
            patched.setattr(desk.bodies, operation, _after(call, getattr(desk.bodies, operation)))
        patched.setitem(desk.dynamodb.__dict__, "faults", call)
        try:
            act(desk.port)
        except Died:
            return True
    return False


def _after(call: Callable[[], None], work: Callable[..., None]) -> Callable[..., None]:
    def both(*given: object) -> None:
        call()
        work(*given)

    return both


def test_a_body_that_an_erasure_overtook_is_taken_away_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.port.put(job(), head())
    monkeypatch.setattr(items, "MOST_ITEM_BYTES", 0)
    put = desk.bodies.put

    def overtaken(key: str, body: bytes) -> None:
        desk.port.erase("alice", ID)
        put(key, body)

    monkeypatch.setattr(desk.bodies, "put", overtaken)
    desk.port.conclude("alice", ID, final())
    assert (desk.names, desk.bodies.kept) == ([], {})


@pytest.mark.row("E3")
@pytest.mark.parametrize("moment", range(4))
def test_whatever_comes_while_a_reply_is_erased_is_erased_too(desk: Desk, moment: int) -> None:
    WRITES["put"](desk.port)
    WRITES["record"](desk.port)
    left = [moment]

    def call() -> None:
        left[0] -= 1
        if left[0] == -1:
            WRITES["conclude"](desk.port)

    desk.dynamodb.__dict__["faults"] = call
    desk.port.erase("alice", ID)
    assert left[0] < 0
    assert desk.names == []


def test_who_reads_while_a_reply_is_erased_finds_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "MOST_ITEM_BYTES", 0)
    desk.port.put(job(), head())
    desk.port.conclude("alice", ID, final())
    desk.bodies.kept.clear()
    assert desk.port.progress("alice", ID) is None
    assert desk.port.head("alice", ID) is None


def test_who_waits_needs_no_job_and_who_works_finds_none_without(desk: Desk) -> None:
    """As where an erasure comes between two pages."""
    desk.port.put(job(), head())
    del desk.dynamodb.stored[TABLE][f"alice#{ID}", "job"]
    assert desk.port.progress("alice", ID) is None
    assert desk.port.head("alice", ID) == (head(), None)


def test_a_damaged_item_tells_none_of_its_words(desk: Desk) -> None:
    desk.port.put(job("a private sentence"), head())
    stored = desk.dynamodb.stored[TABLE]
    stored[f"alice#{ID}", "head"] |= {"value": stored[f"alice#{ID}", "job"]["value"]}
    with pytest.raises(StoreUnavailable) as raised:
        desk.port.head("alice", ID)
    assert (raised.value.__cause__, raised.value.__suppress_context__) == (None, True)
    assert "private" not in str(raised.value)


def test_a_store_that_is_down_says_so(desk: Desk) -> None:
    acts: list[Act] = [
        *WRITES.values(),
        lambda port: port.begin("alice", ID, "judge-1"),
        lambda port: port.head("alice", ID),
        lambda port: port.progress("alice", ID),
    ]
    desk.dynamodb.__dict__["faults"] = lambda: "lost"
    for act in acts:
        with pytest.raises(StoreUnavailable):
            act(desk.port)


NAMES = st.text(st.sampled_from("ab#/.%"), min_size=1, max_size=6)
IDS = st.text(st.sampled_from("ab/.%_"), min_size=1, max_size=6)


@pytest.mark.row("E3")
@given(NAMES, IDS, NAMES, IDS)
@settings(max_examples=300)
def test_two_callers_never_share_a_place(caller: str, request_id: str, other: str, other_id: str) -> None:
    one, two = Place(caller, request_id), Place(other, other_id)
    same = (caller, request_id) == (other, other_id)
    assert (one.reply == two.reply) is same
    assert (one.body_key("d") == two.body_key("d")) is same
