"""Anthropic Messages over real HTTP, against a double that no one here wrote."""

import json

import pytest

from adapters.anthropic.dialect import Anthropic
from signalbox.contracts.adapters import Usage
from signalbox.contracts.messages import ResponseFormat, ToolCall, ToolChoice
from tests.functional.adapting import WEATHER, a_request, failed, replied, said
from tests.functional.aimock import Aimock


@pytest.fixture
def anthropic(aimock: Aimock) -> Anthropic:
    return Anthropic(aimock.url)


def test_text_and_usage(anthropic: Anthropic, aimock: Aimock) -> None:
    usage = {"input_tokens": 12, "output_tokens": 4}
    aimock.reply({"content": "Hello, Ada.", "model": "claude-haiku-5-5", "usage": usage}, userMessage="hello")
    reply = replied(anthropic, a_request(messages=(said("system", "Be kind."), said("user", "hello"))))
    assert (reply.text, reply.finish_reason, reply.model_version) == ("Hello, Ada.", "stop", "claude-haiku-5-5")
    assert (reply.usage, reply.cost_microusd) == (Usage(input_tokens=12, output_tokens=4), 16)
    assert reply.provider_request_id
    (entry,) = aimock.journal()
    assert entry["path"] == "/v1/messages"
    assert entry["headers"]["anthropic-version"] == "2023-06-01"
    assert "x-api-key" in entry["headers"]
    body = entry["body"]
    assert (body["model"], body["max_tokens"]) == ("provider-model-1", 100)
    assert body["messages"] == [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "hello"}]


def test_several_turns(anthropic: Anthropic, aimock: Aimock) -> None:
    aimock.reply({"content": "Ada."}, userMessage="my name?", turnIndex=1)
    turns = (said("user", "I am Ada."), said("assistant", "Hi."), said("user", "What is", "my name?"))
    assert replied(anthropic, a_request(messages=turns)).text == "Ada."
    sent = aimock.journal()[0]["body"]["messages"]
    assert [turn["role"] for turn in sent] == ["user", "assistant", "user"]


@pytest.mark.row("A17")
def test_a_tool_is_called_and_its_result_taken(anthropic: Anthropic, aimock: Aimock) -> None:
    call = {"id": "toolu_7", "name": "get_weather", "arguments": {"city": "Oslo"}}
    aimock.reply({"toolCalls": [call]}, toolName="get_weather", hasToolResult=False)
    aimock.reply({"content": "4 degrees."}, toolCallId="toolu_7", toolResultContains="celsius")
    asked = said("user", "Weather in Oslo?")
    reply = replied(anthropic, a_request(messages=(asked,), tools=(WEATHER,), tool_choice=ToolChoice(mode="required")))
    assert reply.finish_reason == "tool_calls"
    assert [(made.id, made.name, json.loads(made.arguments)) for made in reply.tool_calls] == [
        ("toolu_7", "get_weather", {"city": "Oslo"})
    ]
    turns = (
        asked,
        said("assistant", tool_calls=reply.tool_calls),
        said("tool", '{"celsius": 4}', tool_call_id="toolu_7"),
    )
    assert replied(anthropic, a_request(messages=turns, tools=(WEATHER,))).text == "4 degrees."
    offered = aimock.journal()[0]["body"]["tools"][0]["function"]
    assert (offered["name"], offered["parameters"]) == ("get_weather", WEATHER.parameters)
    last = aimock.journal()[1]["body"]["messages"][-1]
    assert (last["role"], last["tool_call_id"], last["content"]) == ("tool", "toolu_7", '{"celsius": 4}')


@pytest.mark.row("A17")
def test_results_of_parallel_calls(anthropic: Anthropic, aimock: Aimock) -> None:
    aimock.reply({"content": "Both cold."}, toolCallId="b")
    calls = tuple(ToolCall(id=name, name="get_weather", arguments='{"city": "Oslo"}') for name in "ab")
    results = (said("tool", "4", tool_call_id="a"), said("tool", "5", tool_call_id="b"))
    turns = (said("user", "Weather?"), said("assistant", tool_calls=calls), *results)
    assert replied(anthropic, a_request(messages=turns, tools=(WEATHER,))).text == "Both cold."
    sent = aimock.journal()[0]["body"]["messages"]
    assert [turn.get("tool_call_id") for turn in sent] == [None, None, "a", "b"]


def test_a_schema(anthropic: Anthropic, aimock: Aimock) -> None:
    aimock.reply({"content": '{"city": "Oslo"}'}, userMessage="Where")
    form = ResponseFormat(type="json_schema", name="place", schema_=WEATHER.parameters)
    reply = replied(anthropic, a_request(messages=(said("user", "Where?"),), response_format=form))
    assert json.loads(reply.text) == {"city": "Oslo"}


@pytest.mark.parametrize(
    ("status", "kind", "message", "name"),
    [
        (400, "invalid_request_error", "temperature: must be 1", "InvalidRequest"),
        (401, "authentication_error", "invalid x-api-key", "AuthenticationFailed"),
        (404, "not_found_error", "model: claude-9", "InvalidRequest"),
    ],
)
def test_errors_that_are_not_tried_again(
    anthropic: Anthropic, aimock: Aimock, status: int, kind: str, message: str, name: str
) -> None:
    aimock.fail_once(status, {"type": kind, "message": message})
    failure = failed(anthropic, a_request())
    assert (failure.name, failure.status, len(aimock.journal())) == (name, status, 1)
    assert kind in failure.message


@pytest.mark.row("A16")
def test_an_overflow(anthropic: Anthropic, aimock: Aimock) -> None:
    message = "prompt is too long: 131072 tokens > 65536 maximum"
    aimock.fail_once(400, {"type": "invalid_request_error", "message": message})
    failure = failed(anthropic, a_request())
    assert (failure.name, failure.tokens, failure.limit) == ("ContextOverflow", 131072, 65536)
    assert len(aimock.journal()) == 1


@pytest.mark.parametrize("status", [500, 529])
def test_an_outage_is_tried_again(anthropic: Anthropic, aimock: Aimock, status: int) -> None:
    aimock.reply({"content": "Back."}, userMessage="hello")
    aimock.fail_once(status, {"type": "overloaded_error", "message": "Overloaded"})
    assert replied(anthropic, a_request()).text == "Back."
    assert [entry["response"]["status"] for entry in aimock.journal()] == [status, 200]


def test_a_rate_limit_beyond_the_deadline(anthropic: Anthropic, aimock: Aimock) -> None:
    aimock.chaos(rateLimitRate=1.0)
    failure = failed(anthropic, a_request(limit_ms=900))
    assert (failure.name, failure.retry_after_ms, len(aimock.journal())) == ("RateLimited", 1_000, 1)


@pytest.mark.parametrize(
    ("faults", "name", "tries"),
    [
        ({"dropRate": 1.0}, "ProviderUnavailable", 3),
        ({"disconnectRate": 1.0}, "ProviderUnavailable", 3),
        ({"malformedRate": 1.0}, "MalformedReply", 1),
    ],
)
def test_chaos(anthropic: Anthropic, aimock: Aimock, faults: dict[str, float], name: str, tries: int) -> None:
    aimock.chaos(**faults)
    failure = failed(anthropic, a_request())
    assert (failure.name, len(aimock.journal())) == (name, tries)


@pytest.mark.row("C3")
def test_a_slow_provider(anthropic: Anthropic, aimock: Aimock) -> None:
    aimock.chaos(latencyMs=3_000)
    failure = failed(anthropic, a_request(limit_ms=300))
    assert (failure.name, failure.limit) == ("DeadlineExceeded", 300)
    assert failure.message == "model_inference_deadline_exceeded at 300ms (roster-model)"
