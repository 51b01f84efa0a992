"""Leaving a receipt may fail; what was asked for must not."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest

from signalbox.receipts.leave import ReceiptBook
from signalbox.transport.dynamodb import DynamoDB
from signalbox.transport.sigv4 import Keys
from tests.builders import reply
from tests.functional.adapting import a_request

Answers = Callable[[httpx.Request], httpx.Response]


@dataclass
class Clock:
    at_ms: int = 1_000_000

    def now_ms(self) -> int:
        return self.at_ms

    def sleep_ms(self, duration_ms: int) -> None:
        self.at_ms += duration_ms


@dataclass
class Table:
    """DynamoDB as ``answers`` has it; remembers what was sent and what was lost."""

    answers: Answers
    sent: list[bytes] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def leave(self, receipt: str | None = "alice#k", deadline_ms: int = 5_000) -> None:
        def handle(request: httpx.Request) -> httpx.Response:
            self.sent.append(request.read())
            return self.answers(request)

        client, clock = httpx.Client(transport=httpx.MockTransport(handle)), Clock()
        dynamodb = DynamoDB("r", "http://db", lambda: Keys("a", "s"), lambda: client, lambda _: None)
        given = reply("m", "what was said").reply
        assert given
        request = a_request(receipt=receipt, keep_reply=True, deadline_at_ms=clock.now_ms() + deadline_ms)
        ReceiptBook(dynamodb, "Receipts", self.lost.append, clock=clock).leave(request, given)


def test_a_receipt_is_one_put() -> None:
    table = Table(lambda _: httpx.Response(200, json={}))
    table.leave()
    assert len(table.sent) == 1
    assert table.lost == []


def test_without_a_receipt_to_leave_nothing_is_sent() -> None:
    table = Table(lambda _: httpx.Response(200, json={}))
    table.leave(receipt=None)
    assert table.sent == []


@pytest.mark.row("E2")
@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(400, json={"__type": "x#AccessDeniedException", "message": "what was said"}),
        httpx.Response(500, text="what was said"),
        httpx.ConnectError("what was said"),
        ValueError("what was said"),
    ],
    ids=["denied", "outage", "unreachable", "broken"],
)
def test_whatever_goes_wrong_only_its_type_is_told(answer: httpx.Response | Exception) -> None:
    def answers(_: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    table = Table(answers)
    table.leave()
    assert len(table.lost) == 1
    assert "said" not in table.lost[0]


@pytest.mark.parametrize(("deadline_ms", "limit_ms"), [(60_000, 1_000), (700, 700), (-5_000, 400)])
def test_it_is_given_up_before_it_costs_the_reply(
    monkeypatch: pytest.MonkeyPatch, deadline_ms: int, limit_ms: int
) -> None:
    allowed: list[int] = []

    def within(ms: int, work: Callable[[], None]) -> None:
        allowed.append(ms)
        work()

    monkeypatch.setattr("signalbox.receipts.leave.within", within)
    Table(lambda _: httpx.Response(200, json={})).leave(deadline_ms=deadline_ms)
    assert allowed == [limit_ms]


def test_a_table_that_never_answers_is_left() -> None:
    answered = threading.Event()

    def never(_: httpx.Request) -> httpx.Response:
        answered.wait(10)
        return httpx.Response(200, json={})

    table = Table(never)
    table.leave(deadline_ms=0)
    answered.set()
    assert table.lost == ["OutOfTime"]
