"""Receipts in a real table: left by an adapter, found by the router and the reconciler."""

import importlib
from types import SimpleNamespace

import pytest

from signalbox.contracts.adapters import AdapterReply, AdapterRequest, AdapterResult
from signalbox.receipts.dynamo import DynamoReceipts
from signalbox.receipts.leave import ReceiptBook
from signalbox.transport.dynamodb import StoreUnavailable
from tests.builders import reply
from tests.functional.adapting import a_request
from tests.functional.aimock import Aimock
from tests.functional.stores import Stores
from workbench.local.ministack import CREDENTIALS, REGION

KEEP_S = 60
CONTEXT = SimpleNamespace(
    function_name="adapter", memory_limit_in_mb=256, invoked_function_arn="arn:fn", aws_request_id="aws-1"
)


class Clock:
    at_ms = 1_000_000

    def now_ms(self) -> int:
        return self.at_ms

    def sleep_ms(self, duration_ms: int) -> None:
        self.at_ms += duration_ms


class Both:
    """Writer and reader of one new table, on one clock."""

    def __init__(self, stores: Stores) -> None:
        self.clock, self.lost, self.table = Clock(), list[str](), stores.table("Receipts")
        self.book = ReceiptBook(stores.dynamodb, self.table, self.lost.append, KEEP_S, self.clock)
        self.receipts = DynamoReceipts(stores.dynamodb, self.table, self.clock)

    def leave(
        self, request_id: str, model: str = "m", receipt: str = "alice#k", attempt: str = "", **fields: object
    ) -> AdapterReply:
        given = reply(model, f"said by {model} for {request_id}").reply
        assert given
        given = given.model_copy(update=fields)
        asked = a_request(request_id=request_id, model=model, receipt=receipt, attempt=attempt, keep_reply=True)
        self.book.leave(asked, given)
        assert self.lost == []
        return given


@pytest.fixture
def both(stores: Stores) -> Both:
    return Both(stores)


@pytest.mark.row("E1")
def test_what_was_left_is_found_oldest_first(both: Both) -> None:
    left = []
    for request_id, model in (("req_2", "m"), ("req_1", "z"), ("req_1", "a")):
        left.append(both.leave(request_id, model))
        both.clock.at_ms += 1
    found = both.receipts.find("alice#k")
    assert [(one.request_id, one.attempt.model) for one in found] == [("req_2", "m"), ("req_1", "z"), ("req_1", "a")]
    assert [one.reply for one in found] == left
    assert all(one.receipt == "alice#k" for one in found)


@pytest.mark.row("E2")
def test_leaving_the_same_receipt_twice_is_leaving_it_once(both: Both) -> None:
    both.leave("req_1", cost_microusd=1)
    both.leave("req_1", cost_microusd=2)
    (found,) = both.receipts.find("alice#k")
    assert found.attempt.cost_microusd == 2


@pytest.mark.row("E2")
def test_each_call_of_one_model_for_one_request_leaves_its_own(both: Both) -> None:
    both.leave("req_1", cost_microusd=1)
    both.leave("req_1", attempt="sample-2", cost_microusd=2)
    both.leave("req_1", attempt="self_check", cost_microusd=3)
    both.leave("req_1", attempt="sample-2", cost_microusd=4)
    found = both.receipts.find("alice#k")
    assert [(one.attempt.attempt, one.attempt.cost_microusd) for one in found] == [
        ("", 1),
        ("sample-2", 4),
        ("self_check", 3),
    ]
    assert {(one.request_id, one.attempt.model) for one in found} == {("req_1", "m")}
    both.receipts.erase("alice#k")
    assert both.receipts.find("alice#k") == ()


def test_nobody_finds_what_another_left(both: Both) -> None:
    both.leave("req_1", receipt="alice#k")
    assert both.receipts.find("bob#k") == ()
    assert both.receipts.find("alice#") == ()


def test_an_expired_receipt_is_gone_even_while_it_lies_there(both: Both) -> None:
    both.leave("req_1")
    both.clock.at_ms += KEEP_S * 1_000 - 1
    assert both.receipts.find("alice#k")
    both.clock.at_ms += 1
    assert both.receipts.find("alice#k") == ()


def test_a_table_that_is_not_there_costs_no_reply_but_tells_the_reader(stores: Stores) -> None:
    lost: list[str] = []
    given = reply("m").reply
    assert given
    ReceiptBook(stores.dynamodb, "nowhere", lost.append).leave(a_request(receipt="alice#k"), given)
    assert lost == ["StoreUnavailable"]
    with pytest.raises(StoreUnavailable):
        DynamoReceipts(stores.dynamodb, "nowhere").find("alice#k")


@pytest.fixture
def environment(stores: Stores, aimock: Aimock, monkeypatch: pytest.MonkeyPatch) -> str:
    """An OpenAI adapter's, with a table of its own; gives the table's name."""
    table = stores.table("Receipts")
    secret = stores.boto("secretsmanager").create_secret(Name=f"signalbox/{table}", SecretString="sk-real")
    told = {
        **CREDENTIALS,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": stores.url,
        "ROSTER_MODEL": "gpt-6-luna",
        "PROVIDER_BASE_URL": f"{aimock.url}/v1",
        "PROVIDER_SECRET_ARN": secret["ARN"],
        "RECEIPTS_TABLE": table,
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    return table


def invoked(request: AdapterRequest) -> AdapterResult:
    app = importlib.reload(importlib.import_module("adapters.openai.app"))
    return AdapterResult.model_validate(app.handler(request.model_dump(mode="json"), CONTEXT))


@pytest.mark.row("E2")
def test_the_function_leaves_what_it_was_billed_before_it_answers(
    stores: Stores, aimock: Aimock, environment: str
) -> None:
    usage = {"prompt_tokens": 1_000, "completion_tokens": 50, "total_tokens": 1_050}
    aimock.reply({"content": "Hello.", "model": "gpt-6-luna", "usage": usage}, userMessage="hello")
    asked = a_request(model="gpt-6-luna", provider_model="gpt-6-luna", receipt="alice#k", keep_reply=True)
    answered = invoked(asked).reply
    assert answered
    (found,) = DynamoReceipts(stores.dynamodb, environment).find("alice#k")
    assert found.reply == answered
    assert found.request_id == asked.request_id
    assert (found.attempt.usage, found.attempt.cost_microusd) == (answered.usage, answered.cost_microusd)


def test_a_function_without_its_table_answers_all_the_same(
    aimock: Aimock, environment: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("RECEIPTS_TABLE", "nowhere")
    aimock.reply({"content": "Hello.", "model": "gpt-6-luna"}, userMessage="hello")
    asked = a_request(model="gpt-6-luna", provider_model="gpt-6-luna", receipt="alice#k", keep_reply=True)
    answered = invoked(asked).reply
    assert answered
    assert answered.text == "Hello."
    assert "no receipt" in caplog.text
    assert "Hello." not in caplog.text
