"""Conversations in a real DynamoDB, long turns in a real S3."""

import random
import string
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from signalbox.contracts.errors import Conflict, NotFound
from signalbox.contracts.messages import Message, ToolCall
from signalbox.conversations import place as placing
from signalbox.conversations.bodies import S3Bodies
from signalbox.conversations.dynamo import GRACE_S, DynamoConversations
from signalbox.conversations.opened import Opened
from signalbox.conversations.partition import MOST_ITEM_BYTES
from signalbox.signals.tokens import message_tokens
from signalbox.transport.dynamodb import DynamoDB, StoreUnavailable
from tests.builders import FakeClock, said
from tests.functional.stores import Stores
from tests.unit.conversations.contract import KEEP_S, START_MS, ConversationsContract, Setting, added

pytestmark = [pytest.mark.row("A5"), pytest.mark.row("B8")]
NEVER_MS = START_MS * 2


class Died(BaseException):
    """The process ended here."""


def dies_after(write: int) -> Callable[[int], BaseException | None]:
    return lambda number: Died() if number == write else None


@dataclass(frozen=True)
class Faulty(DynamoDB):
    """Does every write, then fails where ``fails`` says so by its number, counted from 1."""

    fails: Callable[[int], BaseException | None] = lambda number: None
    calls: list[str] = field(default_factory=list)

    def _call(self, operation: str, arguments: Any) -> dict[str, Any]:
        answer = super()._call(operation, arguments)
        if operation not in ("GetItem", "Query"):
            self.calls.append(operation)
            if error := self.fails(len(self.calls)):
                raise error
        return answer


@dataclass
class Place(Setting):
    """A setting with its stores, to look behind it."""

    stores: Stores = None  # type: ignore[assignment]
    table: str = ""
    bucket: str = ""

    @property
    def real(self) -> DynamoConversations:
        assert isinstance(self.port, DynamoConversations)
        return self.port

    def through(self, dynamodb: DynamoDB) -> DynamoConversations:
        return replace(self.real, dynamodb=dynamodb)

    def faulty(self, fails: Callable[[int], BaseException | None]) -> Faulty:
        known = self.stores.dynamodb
        return Faulty(known.region, known.url, known.keys, known.client, fails=fails)

    def items(self, caller: str = "alice", id_: str = "c1") -> dict[str, dict[str, Any]]:
        found = self.stores.dynamodb.query(self.table, "conversation = :c", {":c": f"{caller}#{id_}"}, consistent=True)
        return {item["item"]: item for item in found}

    def objects(self) -> list[str]:
        found = self.stores.boto("s3").list_objects_v2(Bucket=self.bucket)
        return [one["Key"] for one in found.get("Contents", [])]


@pytest.fixture
def at(stores: Stores) -> Place:
    clock, forgotten = FakeClock(START_MS), list[str]()
    table, bucket = stores.table("Conversations"), stores.bucket()
    client = stores.boto("s3")
    port = DynamoConversations(
        stores.dynamodb, table, S3Bodies(bucket, lambda: client), KEEP_S, forgotten.extend, clock
    )
    return Place(port, clock, forgotten, stores, table, bucket)


class TestDynamo(ConversationsContract):
    """The contract, kept by the real one."""


def test_a_message_comes_back_as_it_was(at: Place) -> None:
    odd = Message(
        role="assistant",
        content=(*said("a").content, *said("").content, *said('ü\ud800\x00"\n').content),
        tool_calls=(ToolCall(id="t1", name="f", arguments='{"a": 1}'),),
    )
    result = Message(role="tool", content=said("42").content, tool_call_id="t1")
    at.say(said("one"), odd, result)
    assert at.port.messages(at.read(said("two")))[1:3] == (odd, result)


# -- what it costs ---------------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The text of every message that is tokenized."""
    seen: list[str] = []

    def spy(message: Message) -> int:
        seen.append(message.text)
        return message_tokens(message)

    monkeypatch.setattr(placing, "message_tokens", spy)
    return seen


def history(turns: int) -> list[Message]:
    return [said(f"turn {n}", "assistant" if n % 2 else "user") for n in range(turns)]


def test_only_new_turns_are_tokenized(at: Place, counted: list[str]) -> None:
    at.say(*history(9), reply="turn 9")
    counted.clear()
    assert at.read(said("new")).snapshot.messages == 11
    assert counted == ["new"]
    counted.clear()
    at.read(*history(10), said("new"))
    assert counted == ["new"]
    counted.clear()
    assert at.read(*history(9)).new == ()
    assert counted == []
    edited = [*history(4), said("edited"), *history(10)[5:]]
    at.read(*edited)
    assert counted == ["edited", "turn 5", "turn 6", "turn 7", "turn 8", "turn 9"]


def test_opening_reads_the_head_alone_however_long_the_conversation(at: Place) -> None:
    asked: list[str] = []

    @dataclass(frozen=True)
    class Watched(DynamoDB):
        def _call(self, operation: str, arguments: Any) -> dict[str, Any]:
            asked.append(operation)
            return super()._call(operation, arguments)

    known = at.stores.dynamodb
    watched = at.through(Watched(known.region, known.url, known.keys, known.client))
    at.say(*history(299), reply="turn 299")  # more than one transaction takes
    for messages in ((said("new"),), (*history(300), said("new")), ()):
        asked.clear()
        opened = watched.open("alice", "c1", messages, "auto", whole=False)
        assert (opened.kept, asked) == (300, ["GetItem"])
    asked.clear()
    opened = watched.open("alice", "c1", (*history(120), said("edited")), "auto", whole=False)
    assert (opened.kept, asked[0]) == (120, "GetItem")
    assert set(asked[1:]) == {"Query"}
    assert len(asked) < 20
    assert at.texts(at.read(said("new"))) == [f"turn {n}" for n in range(300)] + ["new"]


def test_a_commit_of_many_turns_is_all_or_nothing(at: Place) -> None:
    """GIVEN a commit that takes three transactions WHEN it dies after the first or second THEN nothing of it shows."""
    for dies_at in (1, 2):
        opened = at.read(*history(250))
        at.port.claim(opened, f"r{dies_at}", at.clock.now_ms() + 1)
        dying = at.through(at.faulty(dies_after(dies_at)))
        with pytest.raises(Died):
            dying.commit(opened, f"r{dies_at}", said("lost", "assistant"))
        assert at.read(said("new")).version == 0
        at.clock.at_ms += 1
    at.say(*history(250), reply="kept", by="r9")
    assert at.texts(at.read(said("new"))) == [f"turn {n}" for n in range(250)] + ["kept", "new"]


# -- several at once -------------------------------------------------------------------------------


def test_of_many_claims_one_wins(at: Place) -> None:
    for _ in range(3):
        opened = at.read(said("one more"))
        start = threading.Barrier(12)

        def append(number: int, opened: Opened = opened, start: threading.Barrier = start) -> int | str:
            start.wait()
            try:
                at.port.claim(opened, f"r{opened.version}-{number}", NEVER_MS)
                return at.port.commit(opened, f"r{opened.version}-{number}", said(f"by {number}", "assistant"))
            except Conflict as error:
                return error.message

        with ThreadPoolExecutor(12) as pool:
            results = list(pool.map(append, range(12)))
        assert [one for one in results if isinstance(one, int)] == [opened.version + 1]
        assert all("current version is" in one for one in results if isinstance(one, str))
    final = at.read(said("end"))
    assert (final.version, final.snapshot.messages) == (3, 7)
    said_by = at.texts(final)
    assert len(said_by) == 7
    assert said_by[0::2] == ["one more", "one more", "one more", "end"]


def test_everyone_who_tries_again_gets_in(at: Place) -> None:
    def append(number: int) -> None:
        for attempt in range(200):
            opened = at.read(said(f"from {number}"))
            try:
                at.port.claim(opened, f"r{number}-{attempt}", NEVER_MS)
                at.port.commit(opened, f"r{number}-{attempt}", said(f"to {number}", "assistant"))
                return
            except Conflict:
                continue
        raise AssertionError("never let in")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(append, range(6)))
    final = at.read()
    assert (final.version, final.kept) == (6, 12)
    heard = at.texts(final)
    assert sorted(heard[0::2]) == [f"from {n}" for n in range(6)]
    assert [one.replace("from", "to") for one in heard[0::2]] == heard[1::2]


# -- calls that fail after they worked ---------------------------------------------------------------


def always(number: int) -> BaseException | None:
    return StoreUnavailable("the answer was lost")


def test_claim_and_commit_may_be_made_again(at: Place) -> None:
    opened, lost = at.read(said("one")), at.through(at.faulty(always))
    with pytest.raises(StoreUnavailable):
        lost.claim(opened, "r1", NEVER_MS)
    at.port.claim(opened, "r1", NEVER_MS)
    with pytest.raises(StoreUnavailable):
        lost.commit(opened, "r1", said("two", "assistant"))
    assert at.port.commit(opened, "r1", said("two", "assistant")) == 1
    at.port.release(opened, "r1")
    assert at.texts(at.read(said("three"))) == ["one", "two", "three"]


def test_a_lost_answer_is_asked_for_again_and_not_done_again(at: Place) -> None:
    """The client itself repeats what it got no answer to: here every answer is lost once."""
    known = at.stores.dynamodb
    losing: set[bytes] = set()

    class Losing(httpx.BaseTransport):
        def __init__(self) -> None:
            self.inner = httpx.HTTPTransport()

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            body = request.read()
            response = self.inner.handle_request(request)
            if body not in losing:
                losing.add(body)
                response.read()
                raise httpx.ReadError("lost")
            return response

    with httpx.Client(transport=Losing()) as client:
        shaky = at.through(replace(known, client=lambda: client, sleep_s=lambda seconds: None))
        opened = shaky.open("alice", "c1", (said("one"),), "auto", whole=False)
        shaky.claim(opened, "r1", NEVER_MS)
        shaky.link(opened, ["alice#1"])
        assert shaky.commit(opened, "r1", said("two", "assistant")) == 1
        assert at.read().version == 1
        shaky.erase("alice", "c1")
    assert at.items() == {}
    assert at.forgotten == ["alice#1"]


def test_erasing_goes_on_wherever_it_stopped(at: Place) -> None:
    """GIVEN a process that dies after each of its writes in turn THEN repeating erases all, once and for good."""
    step = 0
    while True:
        step += 1
        at.forgotten.clear()
        opened = at.say(said(_long()), *history(120), by=f"r{step}")
        opened = at.read(said("more"))
        at.port.claim(opened, "running", NEVER_MS)
        at.port.link(opened, ["alice#1"])
        dying = at.through(at.faulty(dies_after(step)))
        try:
            dying.erase("alice", "c1")
        except Died:
            with pytest.raises(Conflict):
                at.port.commit(opened, "running", said("back again", "assistant"))
            with pytest.raises(Conflict):
                at.port.link(opened, ["alice#2"])
            with pytest.raises(Conflict):
                at.port.claim(opened, "running", NEVER_MS)
            assert at.read(said("x")).version == 0
            if at.items():  # the head was not the last thing that went
                with pytest.raises(Conflict, match="erased"):
                    at.port.claim(at.read(said("x")), "r0", NEVER_MS)
                at.port.erase("alice", "c1")
        else:
            break
        finally:
            assert at.items() == {}
            assert at.objects() == []
            assert at.forgotten[:1] == ["alice#1"]
    assert step > 4


def test_two_who_erase_do_not_touch_what_begins_after(at: Place) -> None:
    at.say(said("old"))

    def meanwhile(number: int) -> BaseException | None:
        if number == 1:  # the second one has marked the head; the first one finishes, and the id is used anew
            at.port.erase("alice", "c1")
            at.say(said("new"), reply="fresh", by="r2")
        return None

    at.through(at.faulty(meanwhile)).erase("alice", "c1")
    assert at.texts(at.read()) == ["new", "fresh"]


# -- long turns ------------------------------------------------------------------------------------


def _long(seed: int = 7) -> str:
    """A text that does not compress below what an item takes."""
    draw = random.Random(seed)  # noqa: S311 - not a secret
    return "".join(draw.choices(string.printable, k=MOST_ITEM_BYTES * 2))


@pytest.fixture
def untokenized(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long noise takes the tokenizer seconds, and is not what these are about."""
    monkeypatch.setattr(placing, "message_tokens", lambda message: len(message.text))


@pytest.mark.usefixtures("untokenized")
def test_a_long_turn_is_kept_in_the_bucket(at: Place) -> None:
    at.say(said(_long()), reply=_long(8), by="r1")
    items = at.items()
    assert [("body" in item) for name, item in items.items() if name.startswith("turn#")] == [False, False]
    hashes = {name.rpartition("#")[2] for name in items if name.startswith("turn#")}
    assert sorted(at.objects()) == sorted(f"alice/conversations/c1/{one}" for one in hashes)
    assert at.texts(at.read(said("new"))) == [_long(), _long(8), "new"]
    at.port.erase("alice", "c1")
    assert (at.objects(), at.items()) == ([], {})


@pytest.mark.usefixtures("untokenized")
def test_who_lost_the_conversation_takes_its_bodies_back(at: Place) -> None:
    """GIVEN a commit whose item of the body is there WHEN the conversation is erased before the body is put."""
    opened = at.read(said(_long()))
    at.port.claim(opened, "r1", NEVER_MS)

    def meanwhile(number: int) -> BaseException | None:
        if number == 1:
            at.port.erase("alice", "c1")
        return None

    with pytest.raises(Conflict):
        at.through(at.faulty(meanwhile)).commit(opened, "r1", said("late", "assistant"))
    assert (at.objects(), at.items()) == ([], {})


@pytest.mark.usefixtures("untokenized")
def test_more_than_one_transaction_takes_in_bytes(at: Place) -> None:
    """Texts under the limit of an item, together over that of a transaction."""
    texts = [_long(seed)[: MOST_ITEM_BYTES // 2] for seed in range(20)]
    faulty = at.faulty(lambda number: None)
    opened = at.read(*map(said, texts))
    at.port.claim(opened, "r1", NEVER_MS)
    at.through(faulty).commit(opened, "r1", said("fine", "assistant"))
    assert 1 < faulty.calls.count("TransactWriteItems") < 4
    assert at.texts(at.read())[:-1] == texts


def test_names_of_callers_are_not_folders(at: Place) -> None:
    keys = {at.real._partition(at.read(caller=caller, id_=id_)).body_key("h")
            for caller, id_ in (("a/b", "c"), ("a", "b"), ("..", "c"), ("a", ".."), ("a%2Fb", "c"))}  # fmt: skip
    assert len(keys) == 5
    assert all(key.count("/") == 3 and ".." not in key for key in keys)


@pytest.mark.usefixtures("untokenized")
def test_an_odd_caller_has_bodies_too(at: Place) -> None:
    at.say(said(_long()), caller="a/../ü b")
    assert at.texts(at.read(caller="a/../ü b"))[0] == _long()


# -- time ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("untokenized")
def test_a_conversation_that_goes_on_loses_none_of_its_turns(at: Place) -> None:
    """Every item's time is after the head's, at every moment, as long as somebody comes back in time."""
    at.say(said(_long()), by="r0")
    renewals, before = 0, at.items()
    for number in range(1, 12):
        at.clock.at_ms += KEEP_S * 900
        at.say(said(f"more {number}"), by=f"r{number}")
        items = at.items()
        head = items.pop("head")
        assert head["expires_at"] == at.clock.now_ms() // 1_000 + KEEP_S
        assert min(item["expires_at"] for item in items.values()) >= head["expires_at"] + GRACE_S
        first = next(name for name in items if name.startswith("turn#000000"))
        renewals += items[first]["expires_at"] != before[first]["expires_at"]
        before = items
    assert renewals == 11  # who comes back that rarely has them renewed each time
    for number in range(12, 20):
        at.clock.at_ms += 1_000
        at.say(said(f"more {number}"), by=f"r{number}")
    assert at.items()[first]["expires_at"] == before[first]["expires_at"]
    assert at.texts(at.read())[0] == _long()


def test_a_renewal_that_fails_shortens_and_never_breaks(at: Place) -> None:
    at.say(said("one"))
    at.clock.at_ms += KEEP_S * 900
    opened = at.read(said("two"))
    at.port.claim(opened, "r2", NEVER_MS)
    lost = at.through(at.faulty(lambda number: StoreUnavailable("lost") if number == 1 else None))
    assert lost.commit(opened, "r2", said("fine", "assistant")) == 2
    items = at.items()
    head = items.pop("head")
    assert head["expires_at"] + GRACE_S <= min(item["expires_at"] for item in items.values())
    assert head["expires_at"] > at.clock.now_ms() // 1_000


@dataclass(frozen=True)
class NotListable(S3Bodies):
    """As the router's own role has it: S3 does not tell what is missing from what is forbidden."""

    def get(self, key: str) -> bytes | None:
        if (body := super().get(key)) is None:
            raise StoreUnavailable("get_object failed: AccessDenied")
        return body


@pytest.mark.usefixtures("untokenized")
def test_a_body_that_never_came_keeps_nothing_from_being_renewed(at: Place) -> None:
    at.say(said("one"))
    at.port = replace(at.real, bodies=NotListable(at.bucket, at.real.bodies.client))  # type: ignore[attr-defined]
    opened = at.read(said(_long()))
    at.port.claim(opened, "r2", at.clock.now_ms() + 1)
    with pytest.raises(Died):
        at.through(at.faulty(dies_after(1))).commit(opened, "r2", said("lost", "assistant"))
    assert (at.objects(), [name for name in at.items() if name.startswith("body#")]) != ([], [])
    at.clock.at_ms += KEEP_S * 900
    at.say(said("two"), by="r3")
    assert at.items()["head"]["expires_at"] == at.clock.now_ms() // 1_000 + KEEP_S


def test_what_expired_lends_nothing_to_what_begins_after(at: Place) -> None:
    """DynamoDB may leave some of the old turns and have deleted others."""
    messages = [said("one"), said("two", "assistant"), said("three")]
    at.say(*messages, reply="four")
    at.clock.at_ms += KEEP_S * 1_000
    old = sorted(name for name in at.items() if name.startswith("turn#"))
    at.stores.dynamodb.delete(at.table, {"conversation": "alice#c1", "item": old[1]})
    at.say(said("one"), by="r2")
    opened = at.read(*messages, history="whole")
    assert (opened.kept, added(opened)) == (1, ["two", "three"])


def test_everything_has_its_time_and_its_caller(at: Place) -> None:
    opened = at.say(said("one"))
    at.port.link(opened, ["alice#1"])
    items = at.items()
    assert {name.partition("#")[0] for name in items} == {"head", "turn", "link"}
    assert all(item["expires_at"] > START_MS // 1_000 for item in items.values())
    assert all(item["conversation"].startswith("alice#") for item in items.values())


def test_no_words_in_the_errors(at: Place) -> None:
    at.say(said("secret words"))
    with pytest.raises(NotFound) as absent:
        at.port.erase("bob", "c1")
    assert "c1" not in absent.value.message
