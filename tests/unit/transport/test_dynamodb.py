"""What is made of each answer: tried again, told, or refused; and never what was sent in the telling."""

import json
import time
import traceback
import zlib
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from signalbox.transport import dynamodb
from signalbox.transport.aws import NoAwsKeys
from signalbox.transport.dynamodb import (
    ATTEMPTS,
    ConditionFailed,
    DynamoDB,
    StoreUnavailable,
    TransactionRefused,
    Write,
)
from signalbox.transport.sigv4 import Keys

SECRET = "what was said"
Answer = httpx.Response | Exception


class Service:
    """Gives its answers in turn, the last one from then on, and remembers what was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []
        self.slept_s: list[float] = []
        client = httpx.Client(transport=httpx.MockTransport(self._answer))
        self.store = DynamoDB("eu-north-1", "http://db", lambda: Keys("a", "b"), lambda: client, self.slept_s.append)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.asked]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def refusal(code: str, status: int = 400, **more: Any) -> httpx.Response:
    told = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": SECRET, **more}
    return httpx.Response(status, json=told)


def cancelled(*reasons: dict[str, Any]) -> httpx.Response:
    return refusal("TransactionCanceledException", CancellationReasons=list(reasons), Message=SECRET)


DONE = httpx.Response(200, json={})
CONFLICT = cancelled({"Code": "None"}, {"Code": "TransactionConflict", "Message": SECRET})
BROKEN = httpx.Response(200, json={"Item": {}}, headers={"x-amz-crc32": "1"})


def put(store: DynamoDB) -> None:
    store.put("t", {"id": SECRET})


def transact(store: DynamoDB) -> None:
    store.transact([Write("Put", "t", {"id": SECRET}), Write("Delete", "t", {"id": "2"})])


def test_a_call_is_one_signed_post() -> None:
    service = Service(DONE)
    service.store.get("t", {"id": "1"})
    (asked,) = service.asked
    assert (asked.method, str(asked.url)) == ("POST", "http://db/")
    assert asked.headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert asked.headers["content-type"] == "application/x-amz-json-1.0"
    assert asked.headers["accept-encoding"] == "identity"  # the checksum is of the bytes that travel
    assert (
        "/eu-north-1/dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target,"
        in (asked.headers["authorization"])
    )
    assert json.loads(asked.content) == {"TableName": "t", "Key": {"id": {"S": "1"}}, "ConsistentRead": True}


@pytest.mark.row("E2")
@pytest.mark.parametrize(
    "first",
    [
        refusal("ProvisionedThroughputExceededException"),
        refusal("ThrottlingException"),
        refusal("RequestLimitExceeded"),
        refusal("TransactionConflictException"),
        refusal("ReplicatedWriteConflictException"),
        refusal("InternalServerError", 500),
        httpx.Response(503, text=SECRET),
        httpx.Response(429),
        httpx.Response(200, text=SECRET),
        httpx.Response(200, json=[SECRET]),
        httpx.Response(200, content=b"[" * 100_000),
        httpx.Response(200, content=b"\xff"),
        BROKEN,
        httpx.ConnectError(SECRET),
        httpx.ConnectTimeout(SECRET),
        httpx.ReadTimeout(SECRET),
        httpx.RemoteProtocolError(SECRET),
        httpx.WriteError(SECRET),
    ],
    ids=str,
)
def test_what_passes_is_tried_again_and_in_the_end_told(first: Answer) -> None:
    once = Service(first, DONE)
    put(once.store)
    assert len(once.asked) == 2
    always = Service(first)
    with pytest.raises(StoreUnavailable) as raised:
        put(always.store)
    assert type(raised.value) is StoreUnavailable
    assert len(always.asked) == ATTEMPTS == len(always.slept_s) + 1
    assert SECRET not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (refusal("ValidationException"), "ValidationException"),
        (refusal("ResourceNotFoundException"), "ResourceNotFoundException"),
        (refusal("AccessDeniedException"), "AccessDeniedException"),
        (refusal("RequestTimeTooSkewed"), "RequestTimeTooSkewed"),
        (refusal("ExpiredTokenException"), "ExpiredTokenException"),
        (refusal("InvalidSignatureException"), "InvalidSignatureException"),
        (refusal("ItemCollectionSizeLimitExceededException"), "ItemCollectionSizeLimitExceededException"),
        (httpx.Response(400, json={"__type": "NoNamespace", "Message": SECRET}), "NoNamespace"),
        (httpx.Response(400, json={"code": "a.b#Code:http://internal.amazon.com/"}), "Code"),
        (httpx.Response(400, text="x", headers={"x-amzn-errortype": "FromHeader:http://x/"}), "FromHeader"),
        (httpx.Response(400, json={"__type": f"odd {SECRET}"}), "status 400"),
        (httpx.Response(403, text=SECRET), "status 403"),
        (httpx.Response(413, json=[SECRET]), "status 413"),
        (httpx.Response(302, text=SECRET), "status 302"),
        (httpx.Response(200, content=b" " * 5_000_001), "TooLarge"),
        (httpx.InvalidURL(SECRET), "InvalidURL"),
        (httpx.DecodingError(SECRET), "DecodingError"),
    ],
    ids=str,
)
def test_what_does_not_pass_is_told_at_once(answer: Answer, why: str) -> None:
    service = Service(answer)
    with pytest.raises(StoreUnavailable, match=f"PutItem failed: {why}$") as raised:
        put(service.store)
    assert len(service.asked) == 1
    assert SECRET not in "".join(traceback.format_exception(raised.value))


def test_without_credentials_nothing_is_asked() -> None:
    def none() -> Keys:
        raise NoAwsKeys("no AWS credentials were found")

    with pytest.raises(StoreUnavailable, match="PutItem: no AWS credentials were found"):
        put(DynamoDB("r", "http://db", none))


def test_a_checksum_that_fits_is_taken() -> None:
    body = b'{"Item": {"a": {"N": "1"}}}'
    service = Service(httpx.Response(200, content=body, headers={"x-amz-crc32": str(zlib.crc32(body))}))
    assert service.store.get("t", {"id": "1"}) == {"a": 1}
    assert len(service.asked) == 1


@pytest.mark.parametrize("item", [{"a": {"SS": ["x"]}}, {"a": {"N": "x"}}, ["a"], "a"])
def test_an_item_that_is_not_ours_is_no_answer(item: Any) -> None:
    service = Service(httpx.Response(200, json={"Item": item}))
    with pytest.raises(StoreUnavailable, match="not as it was written"):
        service.store.get("t", {"id": "1"})


def test_a_condition_that_fails_shows_what_was_there() -> None:
    with pytest.raises(ConditionFailed) as there:
        put(Service(refusal("ConditionalCheckFailedException", Item={"n": {"N": "7"}})).store)
    with pytest.raises(ConditionFailed) as nothing:
        put(Service(refusal("ConditionalCheckFailedException")).store)
    assert (there.value.item, nothing.value.item) == ({"n": 7}, None)


@pytest.mark.row("E2")
def test_a_transaction_that_was_refused_names_each_write_and_what_was_there() -> None:
    answer = cancelled(
        {"Code": "None"},
        {"Code": "ConditionalCheckFailed", "Message": SECRET, "Item": {"n": {"N": "7"}}},
        {"Code": "TransactionConflict"},
        {"Code": "ConditionalCheckFailed", "Message": SECRET},
    )
    with pytest.raises(TransactionRefused) as refused:
        transact(Service(answer).store)
    assert refused.value.items == {1: {"n": 7}, 3: None}


def tokens(service: Service) -> list[str]:
    return [body["ClientRequestToken"] for body in service.bodies]


@pytest.mark.row("E2")
@pytest.mark.parametrize(
    "first",
    [httpx.ReadTimeout("x"), refusal("InternalServerError", 500), BROKEN, refusal("TransactionInProgressException")],
)
def test_a_transaction_whose_answer_was_lost_is_the_same_one_again(first: Answer) -> None:
    service = Service(first, first, DONE)
    transact(service.store)
    assert len(set(tokens(service))) == 1
    assert 1 <= len(tokens(service)[0]) <= 36
    assert len({request.content for request in service.asked}) == 1  # else it would be a mismatch
    transact(service.store)
    assert len(set(tokens(service))) == 2


@pytest.mark.row("E2")
def test_a_transaction_that_was_cancelled_is_another_one_again() -> None:
    service = Service(CONFLICT, CONFLICT, DONE)
    transact(service.store)
    assert len(set(tokens(service))) == 3


def test_a_transaction_that_is_still_at_it_is_waited_for_longer_than_an_outage() -> None:
    """DynamoDB takes up to five seconds to finish or undo one whose coordinator was lost."""
    at_it = refusal("TransactionInProgressException")
    service = Service(*[at_it] * (ATTEMPTS + 3), DONE)
    transact(service.store)
    assert len(service.asked) == ATTEMPTS + 4


@pytest.mark.parametrize(
    ("reasons", "asked", "why"),
    [
        (["ThrottlingError"], ATTEMPTS, "ThrottlingError"),
        (["ProvisionedThroughputExceeded", "None"], ATTEMPTS, "ProvisionedThroughputExceeded"),
        (["ThrottlingError", "TransactionConflict"], ATTEMPTS, "ThrottlingError, TransactionConflict"),
        (["ValidationError", "TransactionConflict"], 1, "TransactionConflict, ValidationError"),
        (["ItemCollectionSizeLimitExceeded"], 1, "ItemCollectionSizeLimitExceeded"),
        (["None"], 1, "cancelled"),
        ([], 1, "cancelled"),
    ],
)
def test_other_reasons_of_a_transaction(reasons: list[str], asked: int, why: str) -> None:
    service = Service(cancelled(*({"Code": code} for code in reasons)))
    with pytest.raises(StoreUnavailable, match=f"TransactWriteItems failed: {why}$"):
        transact(service.store)
    assert len(service.asked) == asked


@pytest.mark.parametrize("call", [put, transact])
def test_no_attempt_begins_when_the_time_is_over(
    call: Callable[[DynamoDB], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_s = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: at_s[0])

    def slow(request: httpx.Request) -> httpx.Response:
        at_s[0] += dynamodb.ATTEMPT_LIMIT_MS / 1_000
        raise httpx.ReadTimeout("x")

    client = httpx.Client(transport=httpx.MockTransport(slow))
    with pytest.raises(StoreUnavailable, match="ReadTimeout"):
        call(DynamoDB("r", "http://db", lambda: Keys("a", "b"), lambda: client, lambda _: None))
    assert at_s[0] - 100 <= (dynamodb.RETRY_UNTIL_MS + dynamodb.ATTEMPT_LIMIT_MS) / 1_000


def test_a_conflict_ends_by_the_clock_too(monkeypatch: pytest.MonkeyPatch) -> None:
    at_s = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: at_s[0])

    def slow(_: httpx.Request) -> httpx.Response:
        at_s[0] += 2
        return httpx.Response(400, content=CONFLICT.content)

    client = httpx.Client(transport=httpx.MockTransport(slow))
    with pytest.raises(StoreUnavailable, match="TransactionConflict"):
        transact(DynamoDB("r", "http://db", lambda: Keys("a", "b"), lambda: client, lambda _: None))
    assert at_s[0] - 100 == dynamodb.CONFLICT_LIMIT_MS / 1_000


def page(table: str, ids: list[str], left: list[str]) -> httpx.Response:
    unread = {table: {"Keys": [{"id": {"S": one}} for one in left]}} if left else {}
    found = {"Responses": {table: [{"id": {"S": one}} for one in ids]}, "UnprocessedKeys": unread}
    return httpx.Response(200, json=found)


def test_keys_left_unread_are_asked_for_again_as_long_as_any_come() -> None:
    rounds = [page("t", [str(one)], [str(later) for later in range(one + 1, 8)]) for one in range(8)]
    service = Service(*rounds)
    found = service.store.batch_get("t", [{"id": str(one)} for one in range(8)])
    assert [item["id"] for item in found] == [str(one) for one in range(8)]
    assert [len(body["RequestItems"]["t"]["Keys"]) for body in service.bodies] == list(range(8, 0, -1))


def test_keys_that_stay_unread_are_an_outage() -> None:
    service = Service(page("t", [], ["1"]))
    with pytest.raises(StoreUnavailable, match="left keys unread"):
        service.store.batch_get("t", [{"id": "1"}])
    assert len(service.asked) == ATTEMPTS


def test_no_keys_cost_no_call() -> None:
    service = Service(DONE)
    assert service.store.batch_get("t", []) == []
    assert service.asked == []


def test_pages_are_asked_for_as_they_are_read_empty_ones_included() -> None:
    key = {"id": {"S": "k"}}
    items = [{"id": {"S": str(one)}} for one in range(4)]
    pages = [
        httpx.Response(200, json={"Items": items[:3], "LastEvaluatedKey": key}),
        httpx.Response(200, json={"Items": [], "LastEvaluatedKey": key}),
        httpx.Response(200, json={"Items": items[3:], "LastEvaluatedKey": key}),
    ]
    service = Service(*pages)
    reading = service.store.query("t", "id = :id", {":id": "x"}, limit=4)
    assert [next(reading)["id"] for _ in range(3)] == ["0", "1", "2"]
    assert len(service.asked) == 1
    assert [item["id"] for item in reading] == ["3"]
    assert [(body["Limit"], body.get("ExclusiveStartKey")) for body in service.bodies] == [
        (4, None),
        (1, key),
        (1, key),
    ]
