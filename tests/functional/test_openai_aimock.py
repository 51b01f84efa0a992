"""Chat Completions over real HTTP, against a double that no one here wrote."""

import json

import pytest

from adapters.openai.dialect import OpenAI
from signalbox.contracts.adapters import Usage
from signalbox.contracts.messages import ResponseFormat, ToolChoice
from signalbox.contracts.requests import Sampling
from tests.functional.adapting import WEATHER, FixedKey, a_request, called, failed, replied, said
from tests.functional.aimock import Aimock


@pytest.fixture
def openai(aimock: Aimock) -> OpenAI:
    return OpenAI(f"{aimock.url}/v1")


def test_text_and_usage(openai: OpenAI, aimock: Aimock) -> None:
    usage = {"prompt_tokens": 12, "completion_tokens": 4, "total_tokens": 16}
    aimock.reply({"content": "Hello, Ada.", "model": "gpt-6-luna-2026", "usage": usage}, userMessage="hello")
    sampling = Sampling(temperature=0.5, top_p=0.9, frequency_penalty=0.1, presence_penalty=0.2, stop=("x",), seed=3)
    messages = (said("system", "Be kind."), said("user", "well,", "hello"))
    reply = replied(openai, a_request(messages=messages, sampling=sampling, user="u1"))
    assert (reply.text, reply.finish_reason, reply.model_version) == ("Hello, Ada.", "stop", "gpt-6-luna-2026")
    assert (reply.usage, reply.cost_microusd) == (Usage(input_tokens=12, output_tokens=4), 16)
    assert reply.provider_request_id
    (entry,) = aimock.journal()
    assert entry["path"] == "/v1/chat/completions"
    assert "authorization" in entry["headers"]
    sent = {name: value for name, value in entry["body"].items() if not name.startswith("_")}
    assert sent == {
        "model": "provider-model-1",
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": [{"type": "text", "text": "well,"}, {"type": "text", "text": "hello"}]},
        ],
        "max_tokens": 100,
        "temperature": 0.5,
        "top_p": 0.9,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.2,
        "stop": ["x"],
        "seed": 3,
        "user": "u1",
    }


def test_several_turns(openai: OpenAI, aimock: Aimock) -> None:
    aimock.reply({"content": "Ada."}, userMessage="my name?", turnIndex=1)
    turns = (said("user", "I am Ada."), said("assistant", "Hi."), said("user", "What is my name?"))
    assert replied(openai, a_request(messages=turns)).text == "Ada."


@pytest.mark.row("A17")
def test_a_tool_is_called_and_its_result_taken(openai: OpenAI, aimock: Aimock) -> None:
    call = {"id": "call_7", "name": "get_weather", "arguments": {"city": "Oslo"}}
    aimock.reply({"toolCalls": [call]}, toolName="get_weather", hasToolResult=False)
    aimock.reply({"content": "4 degrees."}, toolCallId="call_7", toolResultContains="celsius")
    asked = said("user", "Weather in Oslo?")
    choice = ToolChoice(mode="function", name="get_weather")
    reply = replied(openai, a_request(messages=(asked,), tools=(WEATHER,), tool_choice=choice))
    assert reply.finish_reason == "tool_calls"
    assert [(made.id, made.name, json.loads(made.arguments)) for made in reply.tool_calls] == [
        ("call_7", "get_weather", {"city": "Oslo"})
    ]
    turns = (
        asked,
        said("assistant", tool_calls=reply.tool_calls),
        said("tool", '{"celsius": 4}', tool_call_id="call_7"),
    )
    assert replied(openai, a_request(messages=turns, tools=(WEATHER,))).text == "4 degrees."
    sent = aimock.journal()[0]["body"]
    assert sent["tools"] == [{"type": "function", "function": WEATHER.model_dump(exclude_none=True)}]
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "get_weather"}}


def test_a_schema(openai: OpenAI, aimock: Aimock) -> None:
    aimock.reply({"content": '{"city": "Oslo"}'}, responseFormat="json_schema")
    form = ResponseFormat(type="json_schema", name="place", schema_=WEATHER.parameters, strict=True)
    reply = replied(openai, a_request(messages=(said("user", "Where?"),), response_format=form))
    assert json.loads(reply.text) == {"city": "Oslo"}
    schema = {"name": "place", "schema": WEATHER.parameters, "strict": True}
    assert aimock.journal()[0]["body"]["response_format"] == {"type": "json_schema", "json_schema": schema}


@pytest.mark.parametrize(("finish", "expected"), [("length", "length"), ("content_filter", "content_filter")])
def test_finish_reasons(openai: OpenAI, aimock: Aimock, finish: str, expected: str) -> None:
    aimock.reply({"content": "Hel", "finishReason": finish}, userMessage="hello")
    assert replied(openai, a_request()).finish_reason == expected


@pytest.mark.parametrize(
    ("status", "code", "name"),
    [
        (400, "unsupported_value", "InvalidRequest"),
        (400, "content_filter", "ContentRefused"),
        (401, "invalid_api_key", "AuthenticationFailed"),
        (404, "model_not_found", "InvalidRequest"),
        (429, "insufficient_quota", "AuthenticationFailed"),
    ],
)
def test_errors_that_are_not_tried_again(openai: OpenAI, aimock: Aimock, status: int, code: str, name: str) -> None:
    aimock.fail_once(status, {"message": "no", "type": "invalid_request_error", "code": code})
    failure = failed(openai, a_request())
    assert (failure.name, failure.status, len(aimock.journal())) == (name, status, 1)
    assert code in failure.message


@pytest.mark.row("A16")
def test_an_overflow(openai: OpenAI, aimock: Aimock) -> None:
    message = "This model's maximum context length is 65536 tokens. However, your messages resulted in 131072 tokens."
    aimock.fail_once(400, {"message": message, "code": "context_length_exceeded"})
    failure = failed(openai, a_request())
    assert (failure.name, failure.tokens, failure.limit) == ("ContextOverflow", 131072, 65536)
    assert len(aimock.journal()) == 1


def test_an_outage_is_tried_again(openai: OpenAI, aimock: Aimock) -> None:
    aimock.reply({"content": "Back."}, userMessage="hello")
    aimock.fail_once(500, {"message": "oops", "type": "server_error"})
    assert replied(openai, a_request()).text == "Back."
    assert [entry["response"]["status"] for entry in aimock.journal()] == [500, 200]


def test_a_rate_limit_is_waited_for(openai: OpenAI, aimock: Aimock) -> None:
    aimock.reply({"content": "Back."}, userMessage="hello")
    aimock.fail_once(429, {"message": "slow down", "type": "rate_limit_error"})
    assert replied(openai, a_request()).latency_ms >= 1_000  # aimock says Retry-After: 1


def test_a_rate_limit_beyond_the_deadline(openai: OpenAI, aimock: Aimock) -> None:
    aimock.chaos(rateLimitRate=1.0)
    failure = failed(openai, a_request(limit_ms=900))
    assert (failure.name, failure.retry_after_ms, len(aimock.journal())) == ("RateLimited", 1_000, 1)


@pytest.mark.parametrize(("keys", "statuses"), [(("old", "new"), [401, 200]), (("same",), [401])])
def test_a_rotated_key_is_read_again_once(
    openai: OpenAI, aimock: Aimock, keys: tuple[str, ...], statuses: list[int]
) -> None:
    aimock.reply({"content": "Welcome."}, userMessage="hello")
    aimock.fail_once(401, {"message": "bad key", "code": "invalid_api_key"})
    result = called(openai, a_request(), FixedKey(*keys))
    assert [entry["response"]["status"] for entry in aimock.journal()] == statuses
    assert (result.reply is not None) == (statuses[-1] == 200)


@pytest.mark.parametrize(
    ("faults", "name", "tries"),
    [
        ({"dropRate": 1.0}, "ProviderUnavailable", 3),
        ({"disconnectRate": 1.0}, "ProviderUnavailable", 3),
        ({"malformedRate": 1.0}, "MalformedReply", 1),
    ],
)
def test_chaos(openai: OpenAI, aimock: Aimock, faults: dict[str, float], name: str, tries: int) -> None:
    aimock.chaos(**faults)
    failure = failed(openai, a_request())
    assert (failure.name, len(aimock.journal())) == (name, tries)


@pytest.mark.row("C3")
def test_a_slow_provider(openai: OpenAI, aimock: Aimock) -> None:
    aimock.chaos(latencyMs=3_000)
    failure = failed(openai, a_request(limit_ms=300))
    assert failure.message == "model_inference_deadline_exceeded at 300ms (roster-model)"
