import json
import math
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from adapters.openai.errors import failure
from adapters.openai.replies import from_wire
from signalbox.contracts.adapters import AdapterFailure, Usage
from tests.unit.adapters.samples import a_request, said

CALL = {"id": "call_9", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'}}


def body(message: dict[str, Any] | None = None, finish: Any = "stop", choice: Any = None, **changes: Any) -> bytes:
    said_back = {"role": "assistant", "content": "Cold.", "refusal": None} | (message or {})
    reply = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "gpt-6-luna-2026-09-01",
        "choices": [{"index": 0, "message": said_back, "finish_reason": finish, **(choice or {})}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13},
    }
    return json.dumps(reply | changes).encode()


def test_text() -> None:
    reply = from_wire(a_request(), body(), httpx.Headers({"X-Request-Id": "req_1", "x-simulated": "1"}), 7)
    assert (reply.text, reply.finish_reason, reply.model_version) == ("Cold.", "stop", "gpt-6-luna-2026-09-01")
    assert (reply.provider_request_id, reply.latency_ms, reply.simulated) == ("req_1", 7, True)
    assert (reply.refusal, reply.mean_logprob, reply.min_logprob) == (None, None, None)


def test_what_compatible_servers_leave_out() -> None:
    bare = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "prompt_tokens_details": None}
    reply = from_wire(a_request(), json.dumps(bare | {"usage": usage}).encode(), {}, 0)
    assert (reply.text, reply.model_version, reply.provider_request_id) == ("Hi", "provider-model-1", None)
    assert reply.usage == Usage(input_tokens=1, output_tokens=2)


@pytest.mark.row("A17")
@pytest.mark.parametrize("finish", ["tool_calls", "stop", "function_call"])
def test_tool_calls(finish: str) -> None:
    nameless = {"function": {"name": "now", "arguments": ""}}
    reply = from_wire(a_request(), body({"content": None, "tool_calls": [CALL, nameless]}, finish), {}, 0)
    assert (reply.text, reply.finish_reason) == ("", "tool_calls")
    assert [(call.id, call.name, call.arguments) for call in reply.tool_calls] == [
        ("call_9", "get_weather", '{"city":"Oslo"}'),
        ("call_1", "now", ""),
    ]


@pytest.mark.parametrize("finish", ["stop", "length", "content_filter"])
def test_finish_reasons(finish: str) -> None:
    assert from_wire(a_request(), body(finish=finish), {}, 0).finish_reason == finish


def test_a_refusal_is_a_reply() -> None:
    reply = from_wire(a_request(), body({"content": None, "refusal": "No."}), {}, 0)
    assert (reply.text, reply.refusal, reply.finish_reason) == ("", "No.", "content_filter")


def test_usage() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 30,
        "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 5},
        "completion_tokens_details": {"reasoning_tokens": 20},
    }
    assert from_wire(a_request(), body(usage=usage), {}, 0).usage == Usage(
        input_tokens=100, cached_input_tokens=60, cache_write_tokens=5, output_tokens=30, reasoning_tokens=20
    )


def test_logprobs() -> None:
    tokens = [{"token": "Co", "logprob": -0.25}, {"token": "ld", "logprob": -0.75}]
    reply = from_wire(a_request(), body(choice={"logprobs": {"content": tokens}}), {}, 0)
    assert (reply.mean_logprob, reply.min_logprob) == (-0.5, -0.75)


@pytest.mark.parametrize(
    "broken", [b"", b"{malformed", b"[]", body(choices=[]), body(usage=None), body(finish=None), body(finish="eos")]
)
def test_what_is_no_reply(broken: bytes) -> None:
    with pytest.raises(ValidationError):
        from_wire(a_request(), broken, {}, 0)


def refused(status: int, message: str, **detail: Any) -> AdapterFailure:
    error = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **detail}}
    return failure(a_request(), status, httpx.Headers({"x-request-id": "req_9"}), json.dumps(error).encode())


@pytest.mark.parametrize(
    ("status", "detail", "name"),
    [
        (400, {"param": "temperature", "code": "unsupported_value"}, "InvalidRequest"),
        (400, {"code": "context_length_exceeded"}, "ContextOverflow"),
        (400, {"code": "content_filter"}, "ContentRefused"),
        (400, {"code": "invalid_prompt"}, "ContentRefused"),
        (401, {"code": "invalid_api_key"}, "AuthenticationFailed"),
        (403, {"code": "unsupported_country_region_territory"}, "AuthenticationFailed"),
        (404, {"code": "model_not_found"}, "InvalidRequest"),
        (408, {}, "ProviderUnavailable"),
        (413, {}, "InvalidRequest"),
        (422, {}, "InvalidRequest"),
        (429, {"code": "rate_limit_exceeded"}, "RateLimited"),
        (429, {"type": "insufficient_quota", "code": "insufficient_quota"}, "AuthenticationFailed"),
        (500, {"type": "server_error"}, "ProviderUnavailable"),
        (503, {"type": "server_error"}, "ProviderUnavailable"),
        (302, {}, "MalformedReply"),
    ],
)
def test_every_documented_error(status: int, detail: dict[str, Any], name: str) -> None:
    got = refused(status, "words", **detail)
    assert (got.name, got.status, got.provider_request_id) == (name, status, "req_9")


def test_a_refused_parameter_is_named() -> None:
    got = refused(400, "Unsupported value: 'temperature'", param="temperature", code="unsupported_value")
    assert got.message == "openai answered 400 unsupported_value at temperature: Unsupported value: 'temperature'"


@pytest.mark.row("A16")
@pytest.mark.parametrize(
    ("error", "tokens", "limit"),
    [
        (  # llama.cpp
            {"error": {"code": 400, "message": "too big", "type": "exceed_context_size_error"}},
            None,
            None,
        ),
        (
            {"error": {"code": 400, "type": "exceed_context_size_error", "n_prompt_tokens": 5000, "n_ctx": 4096}},
            5000,
            4096,
        ),
        (  # vLLM before 0.10: flat
            {
                "object": "error",
                "message": "This model's maximum context length is 65536 tokens. However, you requested 131072 tokens "
                "(130048 in the messages, 1024 in the completion).",
                "code": 400,
            },
            131072,
            65536,
        ),
        ({"error": "the input length exceeds the context length"}, None, None),  # Ollama
    ],
)
def test_overflows_of_compatible_servers(error: dict[str, Any], tokens: int | None, limit: int | None) -> None:
    got = failure(a_request(), 400, {}, json.dumps(error).encode())
    assert (got.name, got.tokens, got.limit) == ("ContextOverflow", tokens, limit)


def test_an_error_never_repeats_the_prompt_or_the_key() -> None:
    request = a_request(messages=(said("user", "my secret diary entry"),))
    error = {"error": {"message": "input_value='my secret diary entry'", "code": 400}}
    assert "diary" not in failure(request, 400, {}, json.dumps(error).encode()).message
    assert "sk-" not in refused(401, "Incorrect API key provided: sk-proj*123.").message


@pytest.mark.parametrize("page", [b"", b"<html>Bad gateway</html>", b'{"error": null}', b'{"error": {"code": []}}'])
def test_a_page_that_is_no_error_of_theirs(page: bytes) -> None:
    assert failure(a_request(), 502, {}, page).name == "ProviderUnavailable"


def test_alternatives_give_the_entropy() -> None:
    even = {"logprob": math.log(0.5), "top_logprobs": [{"logprob": math.log(0.5)}, {"logprob": math.log(0.5)}]}
    sure = {"logprob": 0.0, "top_logprobs": [{"logprob": 0.0}, {"logprob": -9999.0}]}
    unsaid = {"logprob": -1.0, "top_logprobs": []}
    reply = from_wire(a_request(), body(choice={"logprobs": {"content": [even, sure, unsaid], "refusal": None}}), {}, 0)
    assert reply.mean_entropy == pytest.approx(math.log(2) / 2, abs=1e-7)
    assert reply.mean_logprob == pytest.approx((math.log(0.5) - 1) / 3)
    assert reply.min_logprob == -1.0
