"""``GET /v1/replies/{id}``, by the answers it gives."""

import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from router import app as router_app
from router.operations import replies as operation
from signalbox.contracts.adapters import Usage
from signalbox.contracts.errors import NotFound
from signalbox.contracts.messages import ToolCall
from signalbox.contracts.plans import Conclusion
from tests.builders import FakeClock
from tests.fakes.dynamodb import Fault
from tests.fakes.replies import FakeReplies
from tests.unit.dialects.test_openapi import check
from tests.unit.replies.contract import ID, OTHER_ID, START_MS, failed, final, head, job, said
from workbench.error_codes import ERROR_CODES
from workbench.paths import ROOT

pytestmark = pytest.mark.row("A11")
EVENT = json.loads((ROOT / "events/router_reply.json").read_text(encoding="utf-8"))
CONTEXT = SimpleNamespace(
    function_name="router",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:eu-central-1:123456789012:function:router",
    aws_request_id="a1",
)


@dataclass
class Desk:
    replies: FakeReplies
    clock: FakeClock
    concluding: tuple[int, Conclusion] | None = None  # at what time, and what
    fault: Fault | None = None

    def put(self, **fields: Any) -> None:
        self.replies.put(job(), head(**fields))

    def ask(
        self, reply_id: str = ID, caller: str = "alice", wait: str | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers; an answer that is no error fits the document."""
        context = EVENT["requestContext"] | {"authorizer": {"caller": caller}}
        event = EVENT | {
            "path": f"/v1/replies/{reply_id}",
            "queryStringParameters": None if wait is None else {"wait": wait},
            "multiValueQueryStringParameters": None if wait is None else {"wait": [wait]},
            "requestContext": context,
        }
        told = router_app.handler(event, CONTEXT)  # type: ignore[arg-type]
        body = json.loads(told["body"])
        if "error" not in body or "object" in body:
            check(body, "ReplyRecord")
        headers = {name: values[0] for name, values in told["multiValueHeaders"].items()}
        return told["statusCode"], body, headers

    def sleep(self, duration_s: float) -> None:
        self.clock.at_ms += round(duration_s * 1_000)
        if self.concluding and self.clock.at_ms >= self.concluding[0]:
            self.replies.conclude("alice", ID, self.concluding[1])


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    clock = FakeClock(START_MS)
    here = Desk(FakeReplies(clock), clock)
    here.replies.faults = lambda: here.fault
    monkeypatch.setattr(operation, "services", lambda: SimpleNamespace(replies=here.replies, clock=clock))
    monkeypatch.setattr("router.operations.replies.time.sleep", here.sleep)
    return here


def test_a_final_reply_is_told_whole(desk: Desk) -> None:
    desk.put(facts={"route": "support", "role": None, "policy_version": "0123456789ab"})
    calls = (ToolCall(id="call_1", name="lookup", arguments="{}"),)
    usage = Usage(input_tokens=10, cached_input_tokens=4, output_tokens=3, reasoning_tokens=1)
    reply = said("better", "large").model_copy(update={"tool_calls": calls, "usage": usage})
    desk.replies.conclude("alice", ID, final(reply=reply))
    status, body, headers = desk.ask()
    assert status == 200
    assert body == {
        "id": ID,
        "object": "reply",
        "status": "final",
        "plan": "verify",
        "resolution": "corrected",
        "reason": "the stronger model corrected it",
        "confidence": 0.75,
        "violations": ["not_json at 1:1"],
        "created_at": START_MS // 1_000,
        "concluded_at": START_MS // 1_000 + 5,
        "reply": {
            "text": "better",
            "tool_calls": [{"id": "call_1", "name": "lookup", "arguments": "{}"}],
            "finish_reason": "stop",
            "model": "large",
            "model_version": "large-exact",
            "refusal": None,
            "usage": {
                "input_tokens": 10,
                "cached_input_tokens": 4,
                "cache_write_tokens": 0,
                "output_tokens": 3,
                "reasoning_tokens": 1,
            },
        },
        "cost_microusd": 42,
        "error": None,
    }
    assert {name: value for name, value in headers.items() if name.startswith("x-signalbox-")} == {
        "x-signalbox-plan": "verify",
        "x-signalbox-route": "support",
        "x-signalbox-role": "",
        "x-signalbox-policy": "0123456789ab",
        "x-signalbox-model": "large",
        "x-signalbox-cost-microusd": "42",
    }
    assert "retry-after" not in headers


def test_a_failed_one_says_why(desk: Desk) -> None:
    desk.put()
    desk.replies.conclude("alice", ID, failed())
    status, body, headers = desk.ask()
    assert (status, body["status"], body["reply"], body["cost_microusd"]) == (200, "failed", None, 7)
    assert body["error"] == {"status": 503, "code": "provider_unavailable", "message": "told"}
    assert "retry-after" not in headers


def test_a_pending_one_says_when_to_come_back(desk: Desk) -> None:
    desk.put()
    status, body, headers = desk.ask()
    assert (status, body["status"], body["reply"], body["error"]) == (202, "pending", None, None)
    assert (body["concluded_at"], body["cost_microusd"]) == (None, None)
    assert (headers["retry-after"], headers["retry-after-ms"]) == ("1", "1000")
    assert desk.clock.at_ms == START_MS


@pytest.mark.parametrize("wait", ["20", "2.5"])
def test_who_waits_is_told_as_soon_as_it_is_there(desk: Desk, wait: str) -> None:
    desk.put()
    desk.concluding = (START_MS + 700, final())
    assert desk.ask(wait=wait)[1]["status"] == "final"
    assert desk.clock.at_ms == START_MS + 1_187


def test_who_waits_in_vain_is_told_so_within_the_gateways_time(desk: Desk) -> None:
    desk.put()
    assert desk.ask(wait="20")[0] == 202
    assert desk.clock.at_ms == START_MS + 20_000


@pytest.mark.parametrize("plan", ["verify", "cascade"])
def test_past_its_end_a_reply_without_a_conclusion_is_lost(desk: Desk, plan: str) -> None:
    desk.put(ends_at_ms=START_MS + 500, plan=plan)
    status, body, _ = desk.ask(wait="20")
    assert (status, body["status"], body["concluded_at"], body["cost_microusd"]) == (
        200,
        "failed",
        START_MS // 1_000,
        None,
    )
    error = body["error"]
    assert (error["status"], error["code"]) == (ERROR_CODES["verification_lost"][0], "verification_lost")
    assert ("preliminary reply was never verified" in error["message"]) is (plan == "verify")
    assert desk.clock.at_ms == START_MS + 501


def test_a_conclusion_counts_past_the_end_too(desk: Desk) -> None:
    desk.put(ends_at_ms=START_MS - 1)
    desk.replies.conclude("alice", ID, final())
    assert desk.ask()[1]["status"] == "final"


@pytest.mark.row("E3")
@pytest.mark.parametrize(("reply_id", "caller"), [(ID, "mallory"), (OTHER_ID, "alice"), ("head", "alice")])
def test_nobody_hears_of_a_reply_that_is_not_theirs(desk: Desk, reply_id: str, caller: str) -> None:
    desk.put()
    desk.replies.conclude("alice", ID, final())
    status, body, _ = desk.ask(reply_id, caller, wait="20")
    assert (status, body["error"]["code"], body["error"]["param"]) == (404, "unknown_reply", "id")
    assert desk.clock.at_ms == START_MS


@pytest.mark.row("E3")
def test_an_id_cannot_reach_into_another_callers(desk: Desk) -> None:
    """In the table caller and id share a key, so nothing is looked up but an id of ours."""
    desk.put()
    desk.replies.kept["a", f"b#{ID}"] = desk.replies.kept["alice", ID]
    event = EVENT | {"requestContext": EVENT["requestContext"] | {"authorizer": {"caller": "a"}}}
    with pytest.raises(NotFound) as raised:
        operation.run(APIGatewayProxyEvent(event), f"b#{ID}")
    assert raised.value.code == "unknown_reply"


@pytest.mark.parametrize("wait", ["", "-1", "20.001", "21", "1e1", "nan", "inf", "five", " 5", "5s", "٣"])
def test_a_wait_that_is_none_is_refused(desk: Desk, wait: str) -> None:
    desk.put()
    status, body, _ = desk.ask(wait=wait)
    assert (status, body["error"]["code"], body["error"]["param"]) == (400, "invalid_value", "wait")


def test_a_store_that_is_down_is_a_503_to_come_back_after(desk: Desk) -> None:
    desk.put()
    desk.fault = "lost"
    status, body, headers = desk.ask(wait="20")
    assert (status, body["error"]["code"], headers["retry-after"]) == (503, "state_unavailable", "1")
