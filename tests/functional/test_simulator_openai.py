"""The simulator's OpenAI side, called by the official ``openai`` SDK."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from workbench.simulator.models import load_models
from workbench.simulator.testing import Running, running

TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather in a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
                "required": ["city", "unit"],
                "additionalProperties": False,
            },
        },
    }
]
SCHEMA = {
    "type": "object",
    "properties": {
        "label": {"type": "string", "enum": ["billing", "refund", "other"]},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "required": ["label", "confidence"],
    "additionalProperties": False,
}


def tight(**limits: int) -> Any:
    """gpt-4.1 and gpt-6-luna with other limits."""
    return [m.model_copy(update=limits) for m in load_models() if m.id in ("gpt-4.1", "gpt-6-luna")]


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running() as simulator:
        yield simulator


def client_of(sim: Running, key: str = "sk-test") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{sim.url}/v1", api_key=key, max_retries=0)


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


@pytest.fixture
def client(sim: Running) -> Iterator[openai.OpenAI]:
    with client_of(sim) as made:
        yield made
    sim.clear_faults()


def test_text_with_usage_and_headers(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="gpt-6-luna", messages=user("Hello there"))
    reply = raw.parse()
    assert (reply.choices[0].message.content or "").startswith("[simulated gpt-6-luna] ")
    assert (reply.choices[0].finish_reason, reply.model, reply.system_fingerprint) == (
        "stop",
        "gpt-6-luna",
        "simulated",
    )
    assert reply.usage
    assert reply.usage.completion_tokens_details
    assert reply.usage.completion_tokens_details.reasoning_tokens
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert raw.headers["x-simulated"] == "true"
    assert raw.headers["x-request-id"].startswith("req_")
    assert int(raw.headers["x-ratelimit-remaining-requests"]) < int(raw.headers["x-ratelimit-limit-requests"])


def test_the_same_request_gets_the_same_text(client: openai.OpenAI) -> None:
    texts = {
        client.chat.completions.create(model="gpt-4.1", messages=user("Again")).choices[0].message.content
        for _ in range(3)
    }
    assert len(texts) == 1


def test_length_cuts_the_reply(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model="gpt-4.1", messages=user("Hello"), max_tokens=5)
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage
    assert reply.usage.completion_tokens == 5


def test_a_tool_call_and_its_result(client: openai.OpenAI) -> None:
    messages = user("What is the weather in Paris?")
    first = client.chat.completions.create(
        model="gpt-6-luna", messages=messages, tools=TOOLS, tool_choice="auto", reasoning_effort="none"
    ).choices[0]
    assert first.finish_reason == "tool_calls"
    assert first.message.content is None
    call: Any = (first.message.tool_calls or [])[0]
    Draft202012Validator(TOOLS[0]["function"]["parameters"]).validate(json.loads(call.function.arguments))
    messages += [
        {"role": "assistant", "tool_calls": [call.model_dump()]},
        {"role": "tool", "tool_call_id": call.id, "content": "17 degrees"},
    ]
    second = client.chat.completions.create(
        model="gpt-6-luna", messages=messages, tools=TOOLS, reasoning_effort="none"
    ).choices[0]
    assert "17 degrees" in (second.message.content or "")


def test_json_conforms(client: openai.OpenAI) -> None:
    form: Any = {"type": "json_schema", "json_schema": {"name": "label", "schema": SCHEMA, "strict": True}}
    reply = client.chat.completions.create(
        model="gpt-6.1-terra", messages=user("I want a refund"), response_format=form
    ).choices[0]
    value = json.loads(reply.message.content or "")
    Draft202012Validator(SCHEMA).validate(value)
    assert value["label"] == "refund"
    loose = client.chat.completions.create(
        model="gpt-4.1", messages=user("Answer in JSON"), response_format={"type": "json_object"}
    )
    assert json.loads(loose.choices[0].message.content or "")["simulated"] is True


def test_logprobs_where_the_model_has_them(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model="gpt-4.1", messages=user("Hi"), logprobs=True, top_logprobs=2)
    content = (reply.choices[0].logprobs and reply.choices[0].logprobs.content) or []
    assert "".join(token.token for token in content) == reply.choices[0].message.content
    assert all(len(token.top_logprobs) == 2 for token in content)
    with pytest.raises(openai.PermissionDeniedError, match="logprobs"):
        client.chat.completions.create(model="gpt-5", messages=user("Hi"), logprobs=True)


def test_streaming_says_the_same(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="gpt-4.1", messages=user("Stream, please"))
    stream = client.chat.completions.create(
        model="gpt-4.1", messages=user("Stream, please"), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said.startswith("[simulated gpt-4.1] ")
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert whole.usage
    assert chunks[-1].usage
    assert chunks[-1].usage.prompt_tokens == whole.usage.prompt_tokens


def test_a_repeated_prompt_is_cached(client: openai.OpenAI) -> None:
    messages = user("Some long preamble. " * 400)
    counts = [
        reply.usage.prompt_tokens_details.cached_tokens
        for reply in (client.chat.completions.create(model="gpt-4.1", messages=messages) for _ in range(2))
        if reply.usage and reply.usage.prompt_tokens_details
    ]
    assert counts[0] == 0
    assert (counts[1] or 0) >= 1024
    assert (counts[1] or 0) % 128 == 0


@pytest.mark.parametrize(
    ("model", "more", "code", "param"),
    [
        ("gpt-6-luna", {"max_tokens": 5}, "unsupported_parameter", "max_tokens"),
        ("gpt-6-luna", {"temperature": 0.2}, "unsupported_value", "temperature"),
        ("gpt-6-luna", {"tools": TOOLS}, None, "reasoning_effort"),
        ("gpt-6.1-sol", {"reasoning_effort": "none"}, "unsupported_value", "reasoning_effort"),
        ("gpt-4.1", {"max_tokens": 40_000}, "invalid_value", "max_tokens"),
        ("gpt-4.1", {"extra_body": {"top_k": 4}}, "unknown_parameter", "top_k"),
        ("gpt-4.1", {"response_format": {"type": "json_object"}}, None, "messages"),
        (
            "gpt-4.1",
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x", "schema": {"type": "object", "properties": {}}, "strict": True},
                }
            },
            None,
            "response_format",
        ),
    ],
)
def test_what_the_model_refuses(
    client: openai.OpenAI, model: str, more: dict[str, Any], code: str | None, param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model=model, messages=user("Hi"), **more)
    assert (raised.value.code, raised.value.param, raised.value.type) == (code, param, "invalid_request_error")


def test_sampling_is_taken_without_reasoning(client: openai.OpenAI) -> None:
    client.chat.completions.create(model="gpt-6-luna", messages=user("Hi"), temperature=0.2, reasoning_effort="none")


def test_keys_and_models(sim: Running, client: openai.OpenAI) -> None:
    with client_of(sim, "invalid-key") as wrong, pytest.raises(openai.AuthenticationError) as raised:
        wrong.chat.completions.create(model="gpt-4.1", messages=user("Hi"))
    assert raised.value.code == "invalid_api_key"
    assert "invalid-key" not in raised.value.message
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="claude-haiku-5-5", messages=user("Hi"))
    assert missing.value.code == "model_not_found"
    assert {model.id for model in client.models.list()} >= {"gpt-6-luna", "gpt-4.1"}


def test_the_window_overflows() -> None:
    with running(models=tight(window_tokens=200, output_cap_tokens=150)) as sim, client_of(sim) as client:
        with pytest.raises(openai.BadRequestError, match="maximum context length is 200") as raised:
            client.chat.completions.create(model="gpt-4.1", messages=user("word " * 300))
        assert raised.value.code == "context_length_exceeded"
        with pytest.raises(openai.BadRequestError, match="in the completion") as both:
            client.chat.completions.create(model="gpt-4.1", messages=user("word " * 100), max_tokens=120)
        assert both.value.code == "context_length_exceeded"


@pytest.mark.parametrize(
    ("limits", "words"),
    [({"requests_per_minute": 1}, "requests per min"), ({"tokens_per_minute": 8}, "tokens per min")],
)
def test_rate_limits(limits: dict[str, int], words: str) -> None:
    with running(models=tight(**limits)) as sim, client_of(sim) as client:
        client.chat.completions.create(model="gpt-4.1", messages=user("Hello"))
        with pytest.raises(openai.RateLimitError, match=words) as raised:
            client.chat.completions.create(model="gpt-4.1", messages=user("Hello"))
        assert raised.value.code == "rate_limit_exceeded"
        assert int(raised.value.response.headers["retry-after"]) >= 1
        client.chat.completions.create(model="gpt-6-luna", messages=user("Hello"))


def test_faults(sim: Running, client: openai.OpenAI) -> None:
    sim.faults(kind="status", status=503, provider="openai", times=1)
    with pytest.raises(openai.InternalServerError, match="currently overloaded"):
        client.chat.completions.create(model="gpt-4.1", messages=user("Hi"))
    sim.faults(kind="overflow", model="gpt-4*", times=1)
    with pytest.raises(openai.BadRequestError, match="maximum context length"):
        client.chat.completions.create(model="gpt-4.1", messages=user("Hi"))
    sim.faults(kind="status", status=429, retry_after_s=7, times=1)
    with pytest.raises(openai.RateLimitError) as raised:
        client.chat.completions.create(model="gpt-4.1", messages=user("Hi"))
    assert raised.value.response.headers["retry-after"] == "7"
    client.chat.completions.create(model="gpt-4.1", messages=user("Hi"))


def test_a_streamed_refusal_is_one(sim: Running, client: openai.OpenAI) -> None:
    sim.faults(kind="refuse", times=1)
    chunks = list(client.chat.completions.create(model="gpt-4.1", messages=user("Hi"), stream=True))
    refused = "".join(chunk.choices[0].delta.refusal or "" for chunk in chunks)
    assert "declined" in refused
    assert not any(chunk.choices[0].delta.content for chunk in chunks)
