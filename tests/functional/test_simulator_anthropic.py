"""The simulator's Anthropic side, called over plain HTTP in the documented shapes."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from workbench.simulator.models import Model, load_models
from workbench.simulator.testing import Running, running

HEADERS = {"x-api-key": "sk-ant-test", "anthropic-version": "2023-06-01"}
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"name": "get_weather", "description": "Weather in a city", "input_schema": PARAMETERS}]
TOOL_USE = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Rome"}}


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running() as simulator:
        yield simulator


def post(sim: Running, text: str = "Hello", headers: Any = HEADERS, **more: Any) -> httpx.Response:
    messages = [{"role": "user", "content": text}]
    body = {"model": "claude-haiku-5-5", "max_tokens": 500, "messages": messages} | more
    return httpx.post(f"{sim.url}/v1/messages", headers=headers, json=body, trust_env=False)


def error(response: httpx.Response) -> tuple[int, str, str]:
    """Status, type and message, with the shape checked on the way."""
    body = response.json()
    assert body["type"] == "error"
    assert body["request_id"] == response.headers["request-id"]
    assert response.headers["x-simulated"] == "true"
    return response.status_code, body["error"]["type"], body["error"]["message"]


def test_text_comes_after_thinking(sim: Running) -> None:
    response = post(sim, system="Be kind")
    body = response.json()
    assert [block["type"] for block in body["content"]] == ["thinking", "text"]
    assert body["content"][1]["text"].startswith("[simulated claude-haiku-5-5] ")
    assert (body["type"], body["role"], body["stop_reason"]) == ("message", "assistant", "end_turn")
    assert body["usage"]["input_tokens"] > 0
    assert body["usage"]["output_tokens"] > 0
    assert response.headers["anthropic-ratelimit-requests-remaining"].isdigit()
    plain = post(sim, thinking={"type": "disabled"}).json()
    assert [block["type"] for block in plain["content"]] == ["text"]


def test_limits_and_stops(sim: Running) -> None:
    short = post(sim, model="claude-3-5-haiku-20241022", max_tokens=6).json()
    assert (short["stop_reason"], short["usage"]["output_tokens"]) == ("max_tokens", 6)
    stopped = post(sim, "one two three", stop_sequences=["two"]).json()
    assert (stopped["stop_reason"], stopped["stop_sequence"]) == ("stop_sequence", "two")


def test_a_tool_call_and_its_result(sim: Running) -> None:
    body = post(sim, "Weather in Rome?", tools=TOOLS).json()
    assert body["stop_reason"] == "tool_use"
    use = body["content"][-1]
    Draft202012Validator(PARAMETERS).validate(use["input"])
    messages = [
        {"role": "user", "content": "Weather in Rome?"},
        {"role": "assistant", "content": body["content"]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use["id"], "content": "21 degrees"}]},
    ]
    assert "21 degrees" in post(sim, messages=messages, tools=TOOLS).json()["content"][-1]["text"]


def test_json_conforms(sim: Running) -> None:
    form = {"format": {"type": "json_schema", "schema": PARAMETERS}}
    text = post(sim, output_config=form).json()["content"][-1]["text"]
    Draft202012Validator(PARAMETERS).validate(json.loads(text))


def test_a_marked_prompt_is_cached(sim: Running) -> None:
    system = [{"type": "text", "text": "Long preamble. " * 400, "cache_control": {"type": "ephemeral"}}]
    first, second = (post(sim, system=system).json()["usage"] for _ in range(2))
    assert first["cache_creation_input_tokens"] == second["cache_read_input_tokens"] > 512
    assert first["cache_read_input_tokens"] == 0


def test_streaming_says_the_same(sim: Running) -> None:
    events = [
        json.loads(line.removeprefix("data: "))
        for line in post(sim, stream=True).text.splitlines()
        if line.startswith("data: ")
    ]
    kinds = [event["type"] for event in events]
    assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])
    said = "".join(event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta")
    assert said.startswith("[simulated claude-haiku-5-5] ")
    assert events[-2]["delta"]["stop_reason"] == "end_turn"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"temperature": 0.5}, "`temperature` is deprecated for this model."),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, '"thinking.type.enabled" is not supported'),
        ({"model": "claude-opus-5-5", "thinking": {"type": "disabled"}}, '"thinking.type.disabled" is not supported'),
        (
            {"model": "claude-sonnet-5-5", "tools": TOOLS, "tool_choice": {"type": "any"}},
            'tool_choice: type "tool" and "any" are not supported for this model.',
        ),
        (
            {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "{"}]},
            "does not support assistant message prefill",
        ),
        ({"max_tokens": None}, "max_tokens: "),
        ({"frequency_penalty": 1}, "frequency_penalty: Extra inputs are not permitted"),
        ({"max_tokens": 200_000}, "max_tokens: 200000 > 128000, which is the maximum allowed number of output tokens"),
        ({"messages": []}, "messages: at least one message is required"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, "must be non-empty"),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x", "content": "y"}]}]},
            "unexpected `tool_use_id` found in `tool_result` blocks: x",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": "Hi"},
                    {"role": "assistant", "content": [TOOL_USE]},
                    {"role": "user", "content": "no result"},
                ]
            },
            "`tool_use` ids were found without `tool_result` blocks immediately after: toolu_1",
        ),
    ],
)
def test_what_is_refused(sim: Running, more: dict[str, Any], words: str) -> None:
    status, kind, message = error(post(sim, **more))
    assert (status, kind) == (400, "invalid_request_error")
    assert words in message


def test_older_models_take_what_newer_ones_refuse(sim: Running) -> None:
    forced: Any = {"tools": TOOLS, "tool_choice": {"type": "tool", "name": "get_weather"}, "temperature": 0}
    assert post(sim, model="claude-3-7-sonnet-20250219", **forced).json()["stop_reason"] == "tool_use"


def test_keys_and_models(sim: Running) -> None:
    assert error(post(sim, headers={"anthropic-version": "2023-06-01"})) == (
        401,
        "authentication_error",
        "x-api-key header is required",
    )
    assert error(post(sim, headers=HEADERS | {"x-api-key": "invalid"})) == (
        401,
        "authentication_error",
        "invalid x-api-key",
    )
    assert error(post(sim, model="claude-none")) == (404, "not_found_error", "model: claude-none")
    assert error(post(sim, headers={"x-api-key": "k"}))[2] == "anthropic-version: header is required"
    not_json = httpx.post(f"{sim.url}/v1/messages", headers=HEADERS, content=b"{", trust_env=False)
    assert error(not_json)[:2] == (400, "invalid_request_error")


def small(model_id: str, **limits: int) -> list[Model]:
    return [model.model_copy(update=limits) for model in load_models() if model.id == model_id]


def test_windows() -> None:
    with running(models=small("claude-3-5-sonnet-20241022", window_tokens=100)) as sim:
        old: Any = {"model": "claude-3-5-sonnet-20241022"}
        message = error(post(sim, "word " * 200, **old))[2]
        assert message.startswith("prompt is too long: ")
        assert message.endswith(" tokens > 100 maximum")
        message = error(post(sim, "word " * 50, max_tokens=90, **old))[2]
        assert message.startswith("input length and `max_tokens` exceed context limit: ")
    with running(models=small("claude-haiku-5-5", window_tokens=100)) as sim:
        body = post(sim, "word " * 65, max_tokens=90).json()
        assert body["stop_reason"] == "model_context_window_exceeded"


def test_rate_limits_and_overload(sim: Running) -> None:
    with running(models=small("claude-haiku-5-5", requests_per_minute=1)) as tight:
        post(tight)
        response = post(tight)
        assert error(response)[:2] == (429, "rate_limit_error")
        assert int(response.headers["retry-after"]) > 0
        assert response.headers["anthropic-ratelimit-requests-remaining"] == "0"
    sim.faults(kind="status", status=529, provider="anthropic", times=1)
    assert error(post(sim)) == (529, "overloaded_error", "Overloaded")
    assert post(sim).status_code == 200


def test_a_streamed_refusal_is_one(sim: Running) -> None:
    sim.faults(kind="refuse", times=1)
    lines = [line for line in post(sim, stream=True).text.splitlines() if line.startswith("data: ")]
    events = [json.loads(line.removeprefix("data: ")) for line in lines]
    (ended,) = [event["delta"] for event in events if event["type"] == "message_delta"]
    assert (ended["stop_reason"], "declined" in ended["stop_details"]["explanation"]) == ("refusal", True)
    assert not any(event.get("delta", {}).get("type") == "text_delta" for event in events)
