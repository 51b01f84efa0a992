"""What the operations really answer, against the schemas that the API's description gives them."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from router.operations import conversations, decisions, health, metrics, models
from signalbox.contracts import errors as tree
from signalbox.contracts.decisions import Rejection
from signalbox.contracts.errors import NotFound
from signalbox.contracts.messages import ToolCall
from signalbox.contracts.runtime import ModelState
from signalbox.decision.render import as_json
from signalbox.dialects import errors, native, openai_chat
from signalbox.execution.facts import routing_facts
from signalbox.execution.outcome import Attempt, Outcome
from signalbox.policy.resolved import Role
from tests.builders import FakeClock, failure, model, policy, prices, request, route, said
from tests.fakes.conversations import MemoryConversations
from tests.fakes.health import FakeHealth
from tests.fakes.ledger import InMemoryLedger
from tests.unit.dialects.sdk import reply
from tests.unit.dialects.test_openapi import check
from tests.unit.quotas import samples

A, B = model("a"), model("b")
CALLS = (ToolCall(id="call_1", name="lookup", arguments="{}"),)
DECISION = samples.decision(samples.hop("a"), samples.hop("b")).model_copy(
    update={"rejected": (Rejection(model="c", reason="window", detail="d"),)}
)
ANSWERS = {
    "text": reply(),
    "tools": reply(text="", tool_calls=CALLS, finish_reason="tool_calls"),
    "refusal": reply(refusal="No."),
}

REQUEST_ID = "req_00000000000000000000000000000001"


@pytest.fixture(autouse=True)
def services(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = FakeClock()
    known = SimpleNamespace(
        policy=policy(route(Role("fast", A, (B,)))),
        prices=prices(A),
        clock=clock,
        health=FakeHealth({"a": ModelState(circuit="cooling", shut_until_ms=2_000_000, latency_ms=4)}),
        ledger=InMemoryLedger(clock),
        conversations=MemoryConversations(clock),
    )
    for operation in (conversations, decisions, health, metrics, models):
        monkeypatch.setattr(operation, "services", lambda: known)
    return known


def event(caller: str = "alice", body: Any = None) -> APIGatewayProxyEvent:
    context = {"requestId": "g1", "authorizer": {"caller": caller}, "requestTimeEpoch": 1}
    return APIGatewayProxyEvent(
        {
            "path": "/v1/x",
            "headers": {"content-type": "application/json"},
            "body": json.dumps(body),
            "requestContext": context,
        }
    )


def told(response: Response[str], schema: str) -> dict[str, Any]:
    """The body of a 200, once it fits."""
    assert response.status_code == 200
    body: dict[str, Any] = json.loads(str(response.body))
    check(body, schema)
    return body


@pytest.mark.row("D2")
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"cached": True, "age_s": 3, "decide_ms": 0.4},
        {"conversation": {"id": "c1", "messages": 4, "counted": 1, "version": 2, "saved": True}},
    ],
)
def test_replies_are_as_the_document_says(answer: Any, more: dict[str, Any]) -> None:
    asked = request()
    failed = failure("a", "ProviderUnavailable").failure
    outcome = Outcome(answer, None, (Attempt("a", None, failed), Attempt("b", answer, None)))
    facts = {**routing_facts("req-1", DECISION, outcome, answer, 9), **more}
    check(json.loads(json.dumps(openai_chat.render(asked, answer, facts))), "ChatCompletion")
    check(json.loads(json.dumps(native.render(asked, answer, facts))), "InferReply")


@pytest.mark.parametrize(
    "error",
    [tree.BadRequest("invalid_value", "No.", param="n"), tree.Conflict("request_in_flight", "Wait."), OSError()],
)
def test_errors_are_as_the_document_says(error: Exception) -> None:
    check(errors.render(error, "req-1")[2], "ErrorBody")


def test_a_decision_is_as_the_document_says() -> None:
    check(as_json(DECISION), "DecisionReply")


@pytest.mark.row("E3")
@pytest.mark.row("B10")
def test_a_decision_on_record_is_its_callers_alone(services: SimpleNamespace) -> None:
    entry = samples.entry(samples.hold(amount=100), opened_at_ms=services.clock.at_ms, request_id=REQUEST_ID)
    services.ledger.open(entry)
    body = told(decisions.run(event(), REQUEST_ID), "DecisionRecord")
    assert (body["id"], body["state"], body["reserved_microusd"]) == (REQUEST_ID, "open", 100)
    with pytest.raises(NotFound) as caught:
        decisions.run(event("mallory"), REQUEST_ID)
    assert caught.value.code == "decision_not_found"


@pytest.mark.row("A5")
def test_a_conversation_is_its_callers_alone(services: SimpleNamespace) -> None:
    stored: MemoryConversations = services.conversations
    opened = stored.open("alice", "c1", (said("hello"),), "new", whole=False)
    stored.commit(stored.claim(opened, REQUEST_ID, services.clock.at_ms + 1_000), REQUEST_ID, said("hi", "assistant"))
    for operation in (conversations.read, conversations.erase):
        with pytest.raises(NotFound) as caught:
            operation(event("mallory"), "c1")
        assert caught.value.code == "conversation_not_found"
    body = told(conversations.read(event(), "c1"), "Conversation")
    assert (body["id"], body["version"], body["messages"]) == ("c1", 1, 2)
    assert told(conversations.erase(event(), "c1"), "ConversationDeleted")["deleted"] is True
    with pytest.raises(NotFound):
        conversations.read(event(), "c1")


@pytest.mark.row("A10")
@pytest.mark.parametrize("name", ["a", "b"])
def test_metrics_are_as_the_document_says(name: str) -> None:
    body = told(metrics.run(event(body={"model": name, "tokens": 1_200})), "MetricsReply")
    assert body["cost_tokens_usd"] == (0.0012 if name == "a" else None)


def test_health_and_models_are_as_the_document_says() -> None:
    assert told(health.run(event()), "Health")["models"]["a"]["state"] == "cooling"
    assert len(told(models.run(event()), "ModelList")["data"]) == 4
    assert told(models.run_one(event(), "fast"), "ModelEntry")["id"] == "fast"
    with pytest.raises(NotFound) as caught:
        models.run_one(event(), "nobody")
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
