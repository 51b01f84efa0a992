"""What an adapter writes down is what the ledger reads."""

import gzip
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.contracts.adapters import AdapterReply, Usage
from signalbox.contracts.ledger import AttemptFacts
from signalbox.receipts import item
from signalbox.receipts.item import receipt_item
from tests.builders import reply
from tests.functional.adapting import a_request

REQUEST = a_request(request_id="req_1", receipt="alice#k", keep_reply=True)


def a_reply(text: str = "fine", **fields: object) -> AdapterReply:
    given = reply("m", text).reply
    assert given
    return given.model_copy(update=fields)


@pytest.mark.row("E2")
@given(st.integers(0, 10**9), st.integers(0, 10**12), st.text(max_size=20) | st.none())
def test_the_facts_are_the_replys(tokens: int, cost: int, provider_request_id: str | None) -> None:
    given = a_reply(usage=Usage(output_tokens=tokens), cost_microusd=cost, provider_request_id=provider_request_id)
    facts = AttemptFacts.model_validate_json(receipt_item(REQUEST, given, 1_000, 60)["facts"])
    assert (facts.usage, facts.cost_microusd, facts.provider_request_id) == (
        given.usage,
        cost,
        provider_request_id,
    )
    assert (facts.model, facts.model_version, facts.latency_ms) == (given.model, given.model_version, given.latency_ms)
    assert facts.failure is None


def test_the_key_is_the_receipt_then_request_and_model_and_it_ends() -> None:
    found = receipt_item(REQUEST, a_reply(), 5_999, 60)
    assert (found["receipt"], found["attempt"]) == ("alice#k", f"req_1#{REQUEST.model}")
    assert (found["left_at_ms"], found["expires_at"]) == (5_999, 65)


@pytest.mark.row("E2")
@given(st.lists(st.from_regex(r"[a-z0-9_-]{0,12}", fullmatch=True), unique=True, min_size=2, max_size=4))
def test_calls_of_one_model_for_one_request_have_keys_of_their_own(attempts: list[str]) -> None:
    asked = [REQUEST.model_copy(update={"attempt": attempt}) for attempt in attempts]
    keys = [receipt_item(one, a_reply(), 0, 60)["attempt"] for one in asked]
    assert len(set(keys)) == len(attempts)
    assert all(key.startswith(f"req_1#{REQUEST.model}") for key in keys)
    sample = REQUEST.model_copy(update={"attempt": "sample-2"})
    assert receipt_item(sample, a_reply(), 0, 60)["attempt"] == f"req_1#{REQUEST.model}#sample-2"


@pytest.mark.row("E1")
def test_the_reply_lies_in_it_where_it_was_asked_for() -> None:
    given = a_reply("what was said")
    packed = receipt_item(REQUEST, given, 0, 60)["reply"]
    assert AdapterReply.model_validate_json(gzip.decompress(packed)) == given


def test_no_word_of_the_reply_lies_in_it_where_it_was_not() -> None:
    unkept = REQUEST.model_copy(update={"keep_reply": False})
    found = receipt_item(unkept, a_reply("what was said", refusal="what was refused"), 0, 60)
    assert "reply" not in found
    assert "said" not in str(found)
    assert "refused" not in str(found)


def test_a_reply_too_large_for_an_item_leaves_its_facts_alone() -> None:
    noise = Random(1).randbytes(item.MOST_REPLY_BYTES).hex()  # noqa: S311 - no secret
    found = receipt_item(REQUEST, a_reply(noise), 0, 60)
    assert "reply" not in found
    assert found["facts"]
