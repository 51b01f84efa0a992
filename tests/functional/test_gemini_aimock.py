"""The Gemini adapter against aimock: what it sends is read from the double's journal."""

import json
from typing import Any

import pytest

from adapters.gemini.dialect import Gemini
from signalbox.adapters.http import HttpProvider
from signalbox.adapters.provider import AdapterError
from signalbox.contracts.adapters import AdapterFailure, AdapterRequest
from signalbox.contracts.messages import ResponseFormat, ToolChoice
from signalbox.contracts.requests import Sampling
from tests.functional.aimock import Aimock
from tests.unit.adapters.samples import TOOL_TURN, WEATHER, a_request, said

_SCHEMA = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}
_OVERFLOW = "The input token count (131072) exceeds the maximum number of tokens allowed (65536)."


class Key:
    """A ``KeySource`` without a secret behind it."""

    def key(self, *, fresh: bool) -> str | None:
        return "test-key"


@pytest.fixture
def gemini(aimock: Aimock) -> HttpProvider:
    return HttpProvider(Gemini(aimock.url), Key())


def _failure(gemini: HttpProvider, request: AdapterRequest, time_left_ms: int = 10_000) -> AdapterFailure:
    with pytest.raises(AdapterError) as raised:
        gemini.attempt(request, time_left_ms)
    return raised.value.failure


def test_text_with_usage(aimock: Aimock, gemini: HttpProvider) -> None:
    aimock.reply({"content": "Hi there!", "usage": {"prompt_tokens": 11, "completion_tokens": 7}}, userMessage="hello")

    reply = gemini.attempt(a_request(sampling=Sampling(temperature=0.5, top_p=0.9)), 10_000)

    assert (reply.text, reply.finish_reason) == ("Hi there!", "stop")
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (11, 7)
    entry = aimock.journal()[0]
    assert entry["path"] == "/v1beta/models/provider-model-1:generateContent"
    assert "x-goog-api-key" in entry["headers"]
    body = entry["body"]
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.5, 0.9, 100)


def test_many_turns_and_system_prompts(aimock: Aimock, gemini: HttpProvider) -> None:
    aimock.reply({"content": "Bergen"}, turnIndex=1)
    messages = (said("system", "Be brief."), said("user", "a", "b"), said("assistant", "c"), said("user", "d"))

    assert gemini.attempt(a_request(messages=messages), 10_000).text == "Bergen"

    assert aimock.journal()[0]["body"]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "ab"},
        {"role": "assistant", "content": "c"},
        {"role": "user", "content": "d"},
    ]


@pytest.mark.row("A17")
def test_a_tool_is_offered_called_and_answered(aimock: Aimock, gemini: HttpProvider) -> None:
    aimock.reply({"content": "It is 4 degrees."}, hasToolResult=True)
    call: dict[str, Any] = {"id": "fc-1", "name": "get_weather", "arguments": {"city": "Oslo"}}
    aimock.reply({"toolCalls": [call]}, toolName="get_weather")
    asked = a_request(messages=TOOL_TURN[:1], tools=(WEATHER,), tool_choice=ToolChoice(mode="required"))

    first = gemini.attempt(asked, 10_000)
    turns = (*TOOL_TURN[:1], said("assistant", calls=first.tool_calls), said("tool", '{"celsius": 4}', answers="fc-1"))
    second = gemini.attempt(a_request(messages=turns, tools=(WEATHER,)), 10_000)

    assert first.finish_reason == "tool_calls"
    assert [(made.id, made.name, json.loads(made.arguments)) for made in first.tool_calls] == [
        ("fc-1", "get_weather", {"city": "Oslo"})
    ]
    assert (second.text, second.finish_reason) == ("It is 4 degrees.", "stop")
    understood = aimock.journal()[1]["body"]["messages"]
    assert understood[1]["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": '{"city":"Oslo"}'}
    assert understood[2] == {"role": "tool", "tool_call_id": "fc-1", "content": '{"celsius":4}'}


def test_an_answer_by_schema(aimock: Aimock, gemini: HttpProvider) -> None:
    aimock.reply({"content": '{"sum": 4}'}, userMessage="2 + 2")
    form = ResponseFormat(type="json_schema", name="sum", schema_=_SCHEMA)

    reply = gemini.attempt(a_request(messages=(said("user", "2 + 2"),), response_format=form), 10_000)

    assert json.loads(reply.text) == {"sum": 4}


@pytest.mark.parametrize(
    ("reason", "finish", "refusal"),
    [("length", "length", None), ("content_filter", "content_filter", "I can't")],
)
def test_answers_that_end_otherwise(
    aimock: Aimock, gemini: HttpProvider, reason: str, finish: str, refusal: str | None
) -> None:
    aimock.reply({"content": "I can't", "finishReason": reason}, userMessage="hello")

    reply = gemini.attempt(a_request(), 10_000)

    assert (reply.finish_reason, reply.refusal) == (finish, refusal)


@pytest.mark.parametrize(
    ("status", "grpc", "name"),
    [
        (400, "INVALID_ARGUMENT", "InvalidRequest"),
        (403, "PERMISSION_DENIED", "AuthenticationFailed"),
        (404, "NOT_FOUND", "InvalidRequest"),
        (500, "INTERNAL", "ProviderUnavailable"),
        (503, "UNAVAILABLE", "ProviderUnavailable"),
    ],
)
def test_errors(aimock: Aimock, gemini: HttpProvider, status: int, grpc: str, name: str) -> None:
    aimock.reply({"error": {"message": "no", "type": grpc}, "status": status}, userMessage="hello")

    failure = _failure(gemini, a_request())

    assert (failure.name, failure.status) == (name, status)
    assert failure.message.startswith(f"gemini answered {status} {grpc}")


def test_a_rate_limit_says_when_to_come_back(aimock: Aimock, gemini: HttpProvider) -> None:
    error = {"message": "Quota exceeded", "type": "RESOURCE_EXHAUSTED"}
    aimock.reply({"error": error, "status": 429, "retryAfter": 7}, userMessage="hello")

    failure = _failure(gemini, a_request())

    assert (failure.name, failure.retry_after_ms) == ("RateLimited", 7_000)


@pytest.mark.row("A16")
def test_an_overflow_is_told_with_its_figures(aimock: Aimock, gemini: HttpProvider) -> None:
    aimock.reply({"error": {"message": _OVERFLOW, "type": "INVALID_ARGUMENT"}, "status": 400}, userMessage="hello")

    failure = _failure(gemini, a_request())

    assert (failure.name, failure.tokens, failure.limit) == ("ContextOverflow", 131072, 65536)
    assert len(aimock.journal()) == 1


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ("dropRate", "ProviderUnavailable"),
        ("malformedRate", "MalformedReply"),
        ("disconnectRate", "ProviderUnavailable"),
        ("rateLimitRate", "RateLimited"),
    ],
)
def test_chaos(aimock: Aimock, gemini: HttpProvider, fault: str, name: str) -> None:
    aimock.reply({"content": "x"}, userMessage="hello")
    aimock.chaos(**{fault: 1.0})

    assert _failure(gemini, a_request()).name == name


@pytest.mark.row("C3")
def test_a_slow_answer_is_not_waited_for(aimock: Aimock, gemini: HttpProvider) -> None:
    aimock.reply({"content": "x"}, userMessage="hello")
    aimock.chaos(latencyMs=3_000)

    failure = _failure(gemini, a_request(), time_left_ms=200)

    assert (failure.name, failure.limit) == ("DeadlineExceeded", 5_000)
