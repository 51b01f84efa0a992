"""The main job on the deployed stack: a request goes in over HTTPS and the right model answers."""

import json
from typing import Any

import httpx
import openai
import pytest
from pydantic import BaseModel

from signalbox.contracts.adapters import Usage
from signalbox.pricing.table import load_prices
from workbench.local.stack import Running
from workbench.simulator.testing import Running as Simulator

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def post(running: Running, path: str, body: Any, **headers: str) -> httpx.Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"authorization": f"Bearer {running.local.api_key}", "content-type": "application/json"} | headers
    return httpx.post(f"{running.local.base_url}{path}", content=raw, headers=sent, timeout=60)


def models_called(simulator: Simulator) -> list[str]:
    return [entry["model"] for entry in simulator.journal()]


@pytest.mark.row("A6")
@pytest.mark.row("D2")
def test_every_role_and_parameter_of_the_sdk_is_honoured(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(
        model="auto",
        messages=[
            {"role": "system", "content": "You are the desk of a cable company."},
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "text", "text": "there"}]},
            {"role": "assistant", "content": "Hello, how can I help?"},
            {"role": "user", "content": "i move to my new house so i want to change my cable connection"},
        ],
        max_completion_tokens=200,
        temperature=0.3,
        top_p=0.9,
        stop=["END"],
        n=1,
        seed=7,
        user="customer-1",
        metadata={"ticket": "T-1"},
        presence_penalty=0.1,
    )
    assert reply.object == "chat.completion"
    assert reply.choices[0].finish_reason == "stop"
    assert "[simulated" in (reply.choices[0].message.content or "")
    facts = reply.model_extra["signalbox"] if reply.model_extra else {}
    assert facts["simulated"]
    assert facts["route"] == "trivial"
    assert facts["model"] == "gpt-6-luna"
    assert any(one["model"] == "claude-haiku-5-5" and one["reason"] == "unsupported" for one in facts["rejected"])


def test_a_plain_turn_takes_the_fast_model_at_its_real_price(client: openai.OpenAI, simulator: Simulator) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="auto", messages=[{"role": "user", "content": "i want to know my bill details"}]
    )
    reply = raw.parse()
    assert models_called(simulator) == ["claude-haiku-5-5"]
    assert reply.usage is not None
    usage = Usage(input_tokens=reply.usage.prompt_tokens, output_tokens=reply.usage.completion_tokens)
    price = load_prices().cost_microusd("anthropic", "claude-haiku-5-5", usage)
    assert raw.headers["x-signalbox-cost-microusd"] == str(price)
    assert raw.headers["x-signalbox-route"] == "trivial"
    assert raw.headers["x-request-id"] == reply._request_id


def test_a_stream_ends_with_its_usage(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="auto",
            messages=[{"role": "user", "content": "hello good morning"}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "[simulated" in text
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0


@pytest.mark.row("A17")
@pytest.mark.parametrize(
    "model",
    ["claude-haiku-5-5", "gpt-6-luna", "gpt-6-1-terra", "gemini-3-5-flash-lite", "gemini-4-argon", "nova-2-lite"],
)
def test_a_tool_is_called_and_its_result_is_used(client: openai.OpenAI, model: str) -> None:
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Oslo?"}]
    asked = client.chat.completions.create(model=model, messages=messages, tools=[WEATHER], tool_choice="required")
    assert asked.choices[0].finish_reason == "tool_calls"
    calls = asked.choices[0].message.tool_calls
    assert calls
    call = calls[0]
    assert call.type == "function"
    assert call.function.name == "get_weather"
    assert set(json.loads(call.function.arguments)) == {"city"}
    messages += [
        asked.choices[0].message.model_dump(exclude_none=True, exclude={"annotations"}),
        {"role": "tool", "tool_call_id": call.id, "content": '{"degrees": 7}'},
    ]
    told = client.chat.completions.create(model=model, messages=messages, tools=[WEATHER])
    assert told.choices[0].finish_reason == "stop"
    assert told.choices[0].message.content


class Dispute(BaseModel):
    merchant_id: int
    reason: str


@pytest.mark.parametrize("model", ["auto", "claude-sonnet-5-5", "gpt-6-1-sol", "gemini-3-8-flash", "nova-2-lite"])
def test_the_sdk_parses_a_reply_by_schema(client: openai.OpenAI, model: str) -> None:
    reply = client.chat.completions.parse(
        model=model, messages=[{"role": "user", "content": "MID 20391 charged twice"}], response_format=Dispute
    )
    assert isinstance(reply.choices[0].message.parsed, Dispute)


def test_the_models_are_listed(client: openai.OpenAI) -> None:
    listed = {model.id for model in client.models.list()}
    assert {"auto", "fast", "compliance", "claude-haiku-5-5", "nova-2-lite"} <= listed


def test_an_unknown_model_is_named(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        client.chat.completions.create(model="gpt-nope", messages=[{"role": "user", "content": "hi"}])
    assert (raised.value.code, raised.value.param) == ("model_not_found", "model")


@pytest.mark.row("A6")
@pytest.mark.parametrize(
    "body",
    [
        {"conversation": "hello there", "max_tokens": 512},
        {"conversation": [15339, 1354], "max_tokens": 512},
        {"conversation": [{"role": "user", "content": "hello there"}], "priority": "normal", "deadline_ms": 9000},
        {"id": "abc123", "text": "merchant message about MID 20391", "mode": "canary"},
        {"conversation": "hello", "response_schema": {"type": "object", "properties": {"ok": {"type": "boolean"}}}},
    ],
)
def test_the_native_forms_are_answered(running: Running, body: dict[str, Any]) -> None:
    answer = post(running, "/infer", body)
    assert answer.status_code == 200, answer.text
    reply = answer.json()
    assert reply["text"]
    assert reply["signalbox"]["model"]
    assert ("response_schema" in body) == isinstance(reply.get("json"), dict)


@pytest.mark.row("B4")
def test_the_canary_call_of_the_write_up_works_as_written(running: Running) -> None:
    body = b'{"id":"abc123","text":"...merchant message...","mode":"canary"}'
    answer = post(running, "/infer", body, **{"content-type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == "abc123"


@pytest.mark.row("C1")
def test_chat_is_the_path_that_matchers_see(running: Running) -> None:
    assert post(running, "/chat", {"conversation": "hi", "priority": "normal"}).status_code == 200
    decided = post(running, "/route", {"path": "/v1/chat", "conversation": "hi"}).json()
    assert decided["signals"]["path"] == "/v1/chat"


@pytest.mark.row("E7")
def test_route_decides_and_calls_no_model(running: Running, simulator: Simulator) -> None:
    decided = post(running, "/route", {"conversation": "word " * 9_000}).json()
    assert (decided["route"], decided["role"]) == ("long", "long_context")
    assert decided["signals"]["tokens"]["exact"] in (True, False)
    assert simulator.journal() == []


@pytest.mark.row("A8")
@pytest.mark.parametrize("broken", [None, 529, 503, 500])
def test_a_compliance_request_never_leaves_its_pin(running: Running, simulator: Simulator, broken: int | None) -> None:
    if broken:
        simulator.faults(kind="status", status=broken)
    body = {"conversation": "is this transfer reportable?", "needs_compliance_check": True, "deadline_ms": 4000}
    answer = post(running, "/infer", body | {"model": "fast"})
    assert answer.status_code == (503 if broken else 200)
    assert set(models_called(simulator)) == {"claude-sonnet-5-5"}


def test_an_outage_is_taken_to_another_vendor(running: Running, simulator: Simulator) -> None:
    simulator.faults(kind="status", status=529, provider="anthropic")
    answer = post(running, "/infer", {"conversation": "hello"})
    assert answer.status_code == 200
    assert answer.json()["signalbox"]["model"] == "gpt-6-luna"
    assert answer.json()["signalbox"]["attempts"][0] == {"model": "claude-haiku-5-5", "failure": "ProviderUnavailable"}


@pytest.mark.parametrize("kind", ["malformed", "truncate", "reset"])
def test_a_broken_reply_is_taken_to_another_model(running: Running, simulator: Simulator, kind: str) -> None:
    simulator.faults(kind=kind, model="claude-haiku-5-5")
    answer = post(running, "/infer", {"conversation": "hello"})
    assert (answer.status_code, answer.json()["signalbox"]["model"]) == (200, "gpt-6-luna")


@pytest.mark.row("A16")
def test_a_reported_overflow_is_taken_once_to_a_wider_window(running: Running, simulator: Simulator) -> None:
    simulator.faults(kind="overflow", model="gpt-6-luna")
    answer = post(running, "/infer", {"conversation": "which label?", "workload": "classify"})
    assert (answer.status_code, answer.json()["signalbox"]["model"]) == (200, "claude-haiku-5-5")
    assert models_called(simulator) == ["gpt-6-luna", "claude-haiku-5-5"]


@pytest.mark.row("A16")
def test_an_overflow_that_fits_nowhere_is_422_and_never_retried(running: Running, simulator: Simulator) -> None:
    simulator.faults(kind="overflow")
    answer = post(running, "/infer", {"conversation": "hello"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "context_length_exceeded")
    assert "tokens=" in answer.json()["error"]["message"]
    assert models_called(simulator) == ["claude-haiku-5-5"]


@pytest.mark.row("A16")
def test_an_overflow_is_foreseen_and_reaches_no_provider(running: Running, simulator: Simulator) -> None:
    answer = post(running, "/infer", {"conversation": "word " * 950_000})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "context_length_exceeded")
    assert simulator.journal() == []


@pytest.mark.row("C3")
def test_the_deadline_ends_the_wait_and_names_its_limit(running: Running, simulator: Simulator) -> None:
    simulator.faults(kind="delay", delay_ms=8_000)
    answer = post(running, "/infer", {"conversation": "hello", "deadline_ms": 2_000})
    assert answer.status_code == 504
    error = answer.json()["error"]
    assert error["code"] == "model_inference_deadline_exceeded"
    assert error["message"].startswith("model_inference_deadline_exceeded at 2000ms")
    assert answer.elapsed.total_seconds() < 8


@pytest.mark.row("C3")
def test_a_slow_model_leaves_time_for_the_next(running: Running, simulator: Simulator) -> None:
    simulator.faults(kind="delay", delay_ms=8_000, model="claude-haiku-5-5")
    answer = post(running, "/infer", {"conversation": "hello", "deadline_ms": 4_000})
    assert (answer.status_code, answer.json()["signalbox"]["model"]) == (200, "gpt-6-luna")


def test_a_rate_limit_everywhere_says_when_to_come_back(running: Running, simulator: Simulator) -> None:
    simulator.faults(kind="status", status=429, retry_after_s=30)
    answer = post(running, "/infer", {"conversation": "hello"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert answer.headers["x-signalbox-model"] == "gemini-3-5-flash-lite"
    assert answer.headers["x-signalbox-cost-microusd"] == "0"
    assert int(answer.headers["retry-after"]) > 0


HI = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "param"),
    [
        ("/chat/completions", b"{", 400, "invalid_json", None),
        ("/infer", b'{"conversation": "\\ud800"}', 400, "invalid_encoding", None),
        ("/infer", b'{"a":' * 100 + b"1" + b"}" * 100, 400, "json_too_deep", None),
        ("/infer", b'{"conversation": "' + b"x" * 5_300_000 + b'"}', 413, "body_too_large", None),
        ("/infer", {"conversation": "hi", "temprature": 1}, 400, "unknown_parameter", "temprature"),
        ("/infer", {}, 400, "missing_parameter", "conversation"),
        ("/chat/completions", b"\xff\xfe{\x00}\x00", 400, "invalid_encoding", None),
        (
            "/chat/completions",
            {"messages": [{"role": "user", "content": ""}]},
            400,
            "invalid_value",
            "messages[0].content",
        ),
        (
            "/chat/completions",
            HI | {"logprobs": True},
            400,
            "unsupported_parameter",
            "logprobs",
        ),
        (
            "/chat/completions",
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            400,
            "unsupported_content",
            "messages[0].content[0]",
        ),
        (
            "/infer",
            {"conversation": "hi", "needs_compliance_check": True, "temperature": 0.5},
            422,
            "unsupported_parameter",
            "temperature",
        ),
    ],
)
def test_bad_input_gets_one_clear_error(
    running: Running, simulator: Simulator, path: str, body: Any, status: int, code: str, param: str | None
) -> None:
    answer = post(running, path, body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param), error
    assert error["request_id"]
    assert simulator.journal() == []
