"""Messages in storage, pieces of a transaction, keys of bodies, words of a conflict."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.contracts.messages import Message
from signalbox.conversations.bodies import body_key
from signalbox.conversations.head import LONGEST_RETRY_MS, conflict
from signalbox.conversations.partition import MOST_TRANSACTION_BYTES, Sized, batches, packed, unpacked
from signalbox.transport.dynamodb import MOST_WRITES, DynamoDB, Write
from signalbox.transport.sigv4 import Keys
from tests.unit.conversations.test_chain import MESSAGES


@given(MESSAGES)
def test_a_message_is_unpacked_as_it_was_packed(message: Message) -> None:
    assert unpacked(packed(message)) == message


@given(st.lists(st.integers(1, 400_000), max_size=300))
def test_pieces_fit_a_transaction_and_lose_nothing(sizes: list[int]) -> None:
    writes = [Sized(Write("Put", "t", {"at": at}), size) for at, size in enumerate(sizes)]
    cut = batches(writes)
    assert [write for piece in cut for write in piece] == [one.write for one in writes]
    size_of = {id(one.write): one.size_bytes for one in writes}
    for piece in cut:
        assert len(piece) < MOST_WRITES  # the head is written beside them
        assert sum(size_of[id(write)] for write in piece) <= MOST_TRANSACTION_BYTES
    assert all(cut) or not writes
    assert len(cut) >= 1


@given(st.lists(st.lists(st.text(min_size=1, max_size=5), min_size=2, max_size=2), min_size=2, max_size=2))
def test_names_in_keys_stay_apart(names: list[list[str]]) -> None:
    one, other = (body_key(*pair) for pair in names)
    assert (one == other) == (names[0] == names[1])
    assert one.count("/") == 1
    assert "." not in one


@pytest.mark.parametrize(
    ("item", "words", "retry_after_ms"),
    [
        (None, "has changed", None),
        ({"version": 7}, "current version is 7", None),
        ({"version": 7, "claimed_by": "r", "claimed_until_ms": 90}, "has changed", None),
        ({"version": 7, "claimed_by": "r", "claimed_until_ms": 130}, "Another request", 30),
        ({"version": 7, "claimed_by": "r", "claimed_until_ms": 99_999}, "version is 7", LONGEST_RETRY_MS),
        ({"version": 7, "erased": True}, "being erased", None),
    ],
)
def test_a_conflict_says_what_to_do(item: dict[str, object] | None, words: str, retry_after_ms: int | None) -> None:
    error = conflict(item, 100)
    assert words in error.message
    assert (error.code, error.status, error.retry_after_ms) == ("conversation_conflict", 409, retry_after_ms)


def test_a_claim_that_meets_a_transaction_is_made_again() -> None:
    """Else one of two at a time would hear 503 where 409 is meant."""
    answers = [httpx.Response(400, json={"__type": "x#TransactionConflictException"}), httpx.Response(200, json={})]
    client = httpx.Client(transport=httpx.MockTransport(lambda _: answers.pop(0)))
    store = DynamoDB("r", "http://store.invalid", lambda: Keys("a", "b"), lambda: client, sleep_s=lambda _: None)
    store.update("t", {"id": "1"}, "SET a = :a", values={":a": 1})
    assert answers == []
