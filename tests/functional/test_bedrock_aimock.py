"""The Bedrock adapter against aimock: what it sends is read from the double's journal."""

import json
from typing import Any

import pytest

from adapters.bedrock.provider import BedrockProvider
from signalbox.adapters.provider import AdapterError
from signalbox.contracts.adapters import AdapterFailure, AdapterRequest
from signalbox.contracts.messages import ResponseFormat, ToolChoice
from signalbox.contracts.requests import Sampling
from signalbox.transport.sigv4 import Keys
from tests.functional.aimock import Aimock
from tests.unit.adapters.samples import TOOL_TURN, WEATHER, a_request, said

_SCHEMA = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}


@pytest.fixture
def bedrock(aimock: Aimock) -> BedrockProvider:
    return BedrockProvider("us-east-1", aimock.url, lambda: Keys("AKIDEXAMPLE", "secret"))


def _failure(bedrock: BedrockProvider, request: AdapterRequest, time_left_ms: int = 10_000) -> AdapterFailure:
    with pytest.raises(AdapterError) as raised:
        bedrock.attempt(request, time_left_ms)
    return raised.value.failure


def test_text_with_usage(aimock: Aimock, bedrock: BedrockProvider) -> None:
    aimock.reply({"content": "Hi there!", "usage": {"prompt_tokens": 11, "completion_tokens": 7}}, userMessage="hello")

    reply = bedrock.attempt(a_request(sampling=Sampling(temperature=0.5)), 10_000)

    assert (reply.text, reply.finish_reason) == ("Hi there!", "stop")
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (11, 7)
    entry = aimock.journal()[0]
    assert entry["path"] == "/model/provider-model-1/converse"
    assert "authorization" in entry["headers"]
    body = entry["body"]
    assert (body["temperature"], body["max_tokens"]) == (0.5, 100)


def test_many_turns_and_system_prompts(aimock: Aimock, bedrock: BedrockProvider) -> None:
    aimock.reply({"content": "Bergen"}, turnIndex=1)
    messages = (said("system", "Be brief."), said("user", "a", "b"), said("assistant", "c"), said("user", "d"))

    assert bedrock.attempt(a_request(messages=messages), 10_000).text == "Bergen"

    assert aimock.journal()[0]["body"]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "ab"},
        {"role": "assistant", "content": "c"},
        {"role": "user", "content": "d"},
    ]


@pytest.mark.row("A17")
def test_a_tool_is_offered_called_and_answered(aimock: Aimock, bedrock: BedrockProvider) -> None:
    aimock.reply({"content": "It is 4 degrees."}, hasToolResult=True)
    call: dict[str, Any] = {"id": "fc-1", "name": "get_weather", "arguments": {"city": "Oslo"}}
    aimock.reply({"toolCalls": [call]}, toolName="get_weather")
    asked = a_request(messages=TOOL_TURN[:1], tools=(WEATHER,), tool_choice=ToolChoice(mode="required"))

    first = bedrock.attempt(asked, 10_000)
    turns = (*TOOL_TURN[:1], said("assistant", calls=first.tool_calls), said("tool", '{"celsius": 4}', answers="fc-1"))
    second = bedrock.attempt(a_request(messages=turns, tools=(WEATHER,)), 10_000)

    assert first.finish_reason == "tool_calls"
    assert [(made.id, made.name, json.loads(made.arguments)) for made in first.tool_calls] == [
        ("fc-1", "get_weather", {"city": "Oslo"})
    ]
    assert (second.text, second.finish_reason) == ("It is 4 degrees.", "stop")
    understood = aimock.journal()[1]["body"]["messages"]
    assert aimock.journal()[0]["body"]["tools"][0]["function"] == WEATHER.model_dump(exclude_none=True)
    assert understood[1]["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": '{"city":"Oslo"}'}
    assert understood[2] == {"role": "tool", "tool_call_id": "fc-1", "content": '{"celsius": 4}'}


def test_an_answer_by_schema(aimock: Aimock, bedrock: BedrockProvider) -> None:
    aimock.reply({"content": '{"sum": 4}'}, userMessage="2 + 2")
    form = ResponseFormat(type="json_schema", name="sum", schema_=_SCHEMA)

    reply = bedrock.attempt(a_request(messages=(said("user", "2 + 2"),), response_format=form), 10_000)

    assert json.loads(reply.text) == {"sum": 4}


def test_novas_answer_by_schema_comes_through_a_tool(aimock: Aimock, bedrock: BedrockProvider) -> None:
    aimock.reply({"toolCalls": [{"name": "sum", "arguments": {"sum": 4}}]}, toolName="sum")
    form = ResponseFormat(type="json_schema", name="sum", schema_=_SCHEMA)
    request = a_request(provider_model="global.amazon.nova-2-lite-v1:0", response_format=form)

    reply = bedrock.attempt(request, 10_000)

    assert (json.loads(reply.text), reply.tool_calls, reply.finish_reason) == ({"sum": 4}, (), "stop")
    assert aimock.journal()[0]["path"] == "/model/global.amazon.nova-2-lite-v1%3A0/converse"


@pytest.mark.parametrize(
    ("reason", "finish", "refusal"),
    [("length", "length", None), ("content_filtered", "content_filter", "I can't")],
)
def test_answers_that_end_otherwise(
    aimock: Aimock, bedrock: BedrockProvider, reason: str, finish: str, refusal: str | None
) -> None:
    aimock.reply({"content": "I can't", "finishReason": reason}, userMessage="hello")

    reply = bedrock.attempt(a_request(), 10_000)

    assert (reply.finish_reason, reply.refusal) == (finish, refusal)


@pytest.mark.parametrize(
    ("status", "code", "name"),
    [
        (400, "ValidationException", "InvalidRequest"),
        (403, "AccessDeniedException", "AuthenticationFailed"),
        (404, "ResourceNotFoundException", "InvalidRequest"),
        (500, "InternalServerException", "ProviderUnavailable"),
        (503, "ServiceUnavailableException", "ProviderUnavailable"),
    ],
)
def test_errors(aimock: Aimock, bedrock: BedrockProvider, status: int, code: str, name: str) -> None:
    aimock.reply({"error": {"message": "no", "type": code}, "status": status}, userMessage="hello")

    failure = _failure(bedrock, a_request())

    assert (failure.name, failure.status) == (name, status)
    assert failure.message.startswith(f"bedrock answered {status}")


def test_a_rate_limit_says_when_to_come_back(aimock: Aimock, bedrock: BedrockProvider) -> None:
    error = {"message": "Quota exceeded", "type": "ThrottlingException"}
    aimock.reply({"error": error, "status": 429, "retryAfter": 7}, userMessage="hello")

    failure = _failure(bedrock, a_request())

    assert (failure.name, failure.retry_after_ms) == ("RateLimited", 7_000)


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ("dropRate", "ProviderUnavailable"),
        ("malformedRate", "MalformedReply"),
        ("disconnectRate", "ProviderUnavailable"),
        ("rateLimitRate", "RateLimited"),
    ],
)
def test_chaos(aimock: Aimock, bedrock: BedrockProvider, fault: str, name: str) -> None:
    aimock.reply({"content": "x"}, userMessage="hello")
    aimock.chaos(**{fault: 1.0})

    assert _failure(bedrock, a_request()).name == name


@pytest.mark.row("C3")
def test_a_slow_answer_is_not_waited_for(aimock: Aimock, bedrock: BedrockProvider) -> None:
    aimock.reply({"content": "x"}, userMessage="hello")
    aimock.chaos(latencyMs=3_000)

    failure = _failure(bedrock, a_request(), time_left_ms=200)

    assert (failure.name, failure.limit) == ("DeadlineExceeded", 5_000)
