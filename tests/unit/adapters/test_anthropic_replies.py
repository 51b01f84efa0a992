import json
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from adapters.anthropic.errors import failure
from adapters.anthropic.replies import from_wire
from signalbox.adapters.provider import AdapterError
from signalbox.contracts.adapters import Usage
from tests.unit.adapters.samples import a_request, said

TEXT = {"type": "text", "text": "Cold."}
USE = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Tromsø"}}


def body(**changes: Any) -> bytes:
    reply = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-5-5",
        "content": [TEXT],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 3},
    }
    return json.dumps(reply | changes).encode()


def test_text() -> None:
    thinking = {"type": "thinking", "thinking": "hm", "signature": "s"}
    reply = from_wire(a_request(), body(content=[thinking, TEXT, {"type": "text", "text": " Wet."}]), {}, 7)
    assert (reply.text, reply.finish_reason, reply.model_version) == ("Cold. Wet.", "stop", "claude-haiku-5-5")
    assert (reply.model, reply.provider_request_id, reply.latency_ms) == ("roster-model", "msg_1", 7)
    assert (reply.simulated, reply.refusal, reply.mean_logprob) == (False, None, None)


def test_headers() -> None:
    reply = from_wire(a_request(), body(), httpx.Headers({"X-Simulated": "true", "Request-Id": "req_1"}), 0)
    assert (reply.simulated, reply.provider_request_id) == (True, "req_1")


@pytest.mark.row("A17")
def test_tool_calls() -> None:
    reply = from_wire(a_request(), body(content=[TEXT, USE], stop_reason="tool_use"), {}, 0)
    assert (reply.text, reply.finish_reason) == ("Cold.", "tool_calls")
    assert [(call.id, call.name, call.arguments) for call in reply.tool_calls] == [
        ("toolu_1", "get_weather", '{"city": "Tromsø"}')
    ]


@pytest.mark.parametrize(
    ("stop_reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
    ],
)
def test_stop_reasons(stop_reason: str, finish: str) -> None:
    assert from_wire(a_request(), body(stop_reason=stop_reason), {}, 0).finish_reason == finish


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({}, "Cold."),
        ({"content": [], "stop_details": {"type": "refusal", "category": "bio", "explanation": "No."}}, "No."),
        ({"content": [], "stop_details": None}, "The model declined to answer."),
    ],
)
def test_a_refusal_is_a_reply(changes: dict[str, Any], refusal: str) -> None:
    reply = from_wire(a_request(), body(stop_reason="refusal", **changes), {}, 0)
    assert (reply.text, reply.refusal) == ("", refusal)


def test_usage_counts_cached_input_in() -> None:
    usage = {
        "input_tokens": 10,
        "cache_creation_input_tokens": 20,
        "cache_read_input_tokens": 30,
        "output_tokens": 9,
        "output_tokens_details": {"thinking_tokens": 4},
    }
    assert from_wire(a_request(), body(usage=usage), {}, 0).usage == Usage(
        input_tokens=60, cached_input_tokens=30, cache_write_tokens=20, output_tokens=9, reasoning_tokens=4
    )


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{malformed",
        b"[]",
        body(usage=None),
        body(stop_reason="new"),
        body(content=[{"type": "text"}]),
        body(content=[USE | {"input": "x"}]),
    ],
)
def test_what_is_no_reply(broken: bytes) -> None:
    with pytest.raises(ValidationError):
        from_wire(a_request(), broken, {}, 0)


def test_a_pause_is_no_answer() -> None:
    with pytest.raises(AdapterError) as raised:
        from_wire(a_request(), body(stop_reason="pause_turn"), {}, 0)
    assert raised.value.failure.name == "MalformedReply"


def refused(status: int, kind: str, message: str, **headers: str) -> Any:
    error = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_9"}
    return failure(a_request(), status, httpx.Headers(headers), json.dumps(error).encode())


@pytest.mark.parametrize(
    ("status", "kind", "message", "name"),
    [
        (400, "invalid_request_error", "max_tokens: 999999 > 128000, which is the maximum", "InvalidRequest"),
        (400, "invalid_request_error", "Output blocked by content filtering policy", "ContentRefused"),
        (400, "invalid_request_error", "Your credit balance is too low to access the API.", "AuthenticationFailed"),
        (400, "invalid_request_error", "You have reached your specified API usage limits.", "AuthenticationFailed"),
        (400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", "ContextOverflow"),
        (401, "authentication_error", "invalid x-api-key", "AuthenticationFailed"),
        (402, "billing_error", "payment", "AuthenticationFailed"),
        (403, "permission_error", "not yours", "AuthenticationFailed"),
        (404, "not_found_error", "model: claude-9", "InvalidRequest"),
        (409, "conflict_error", "changed", "ProviderUnavailable"),
        (413, "request_too_large", "Request exceeds the maximum allowed number of bytes.", "InvalidRequest"),
        (429, "rate_limit_error", "slow down", "RateLimited"),
        (500, "api_error", "Internal server error", "ProviderUnavailable"),
        (504, "timeout_error", "slow", "ProviderUnavailable"),
        (529, "overloaded_error", "Overloaded", "ProviderUnavailable"),
    ],
)
def test_every_documented_error(status: int, kind: str, message: str, name: str) -> None:
    got = refused(status, kind, message)
    assert (got.name, got.status, got.provider_request_id) == (name, status, "req_9")
    assert f"anthropic answered {status} {kind}" in got.message


@pytest.mark.row("A16")
def test_an_overflow_carries_its_figures() -> None:
    got = refused(400, "invalid_request_error", "prompt is too long: 208310 tokens > 200000 maximum")
    assert (got.tokens, got.limit) == (208310, 200000)


def test_a_rate_limit_says_when_to_come_back() -> None:
    assert refused(429, "rate_limit_error", "slow", **{"Retry-After": "3"}).retry_after_ms == 3_000


def test_an_error_never_repeats_the_prompt_or_the_key() -> None:
    request = a_request(messages=(said("user", "my secret diary entry"),))
    error = {"error": {"type": "invalid_request_error", "message": "bad: 'my secret diary entry'"}}
    assert "diary" not in failure(request, 400, {}, json.dumps(error).encode()).message
    assert "sk-ant" not in refused(401, "authentication_error", "invalid x-api-key sk-ant-123").message


@pytest.mark.parametrize("page", [b"", b"<html>Bad gateway</html>", b'{"error": null}'])
def test_a_page_that_is_no_error_of_theirs(page: bytes) -> None:
    assert failure(a_request(), 502, {}, page).name == "ProviderUnavailable"
