"""Converse's answers and errors → the contract."""

import json
from typing import Any

import httpx
import pytest
from botocore.parsers import RestJSONParser
from botocore.session import Session
from pydantic import ValidationError

from adapters.bedrock.errors import failure
from adapters.bedrock.replies import from_wire
from signalbox.adapters.provider import AdapterError
from signalbox.contracts.adapters import AdapterFailure, AdapterReply, Usage
from signalbox.contracts.messages import ResponseFormat
from tests.unit.adapters.samples import a_request, said

_USAGE = {
    "inputTokens": 40,
    "outputTokens": 20,
    "totalTokens": 130,
    "cacheReadInputTokens": 60,
    "cacheWriteInputTokens": 10,
}


def _body(*blocks: Any, stop: str = "end_turn", **more: Any) -> bytes:
    message = {"role": "assistant", "content": list(blocks)}
    reply = {"output": {"message": message}, "stopReason": stop, "usage": _USAGE, "metrics": {"latencyMs": 7}}
    return json.dumps(reply | more).encode()


def _reply(*blocks: Any, stop: str = "end_turn", **more: Any) -> AdapterReply:
    return from_wire(a_request(), _body(*blocks, stop=stop, **more), httpx.Headers({"x-amzn-RequestId": "id-1"}), 12)


def test_text_usage_and_identity() -> None:
    reasoning = {"reasoningContent": {"reasoningText": {"text": "pondering", "signature": "s"}}}

    reply = _reply(reasoning, {"text": "Hel"}, {"text": "lo"})

    assert (reply.text, reply.finish_reason, reply.refusal) == ("Hello", "stop", None)
    assert (reply.model, reply.model_version, reply.provider_request_id) == ("roster-model", "provider-model-1", "id-1")
    assert (reply.latency_ms, reply.cost_microusd, reply.simulated) == (12, 0, False)
    assert reply.usage == Usage(input_tokens=110, cached_input_tokens=60, cache_write_tokens=10, output_tokens=20)


def test_a_prompt_router_names_the_model_that_answered() -> None:
    assert _reply({"text": "x"}, trace={"promptRouter": {"invokedModelId": "m-2"}}).model_version == "m-2"


def test_a_simulated_reply_says_so() -> None:
    assert from_wire(a_request(), _body({"text": "x"}), httpx.Headers({"X-Simulated": "true"}), 0).simulated


@pytest.mark.row("A17")
def test_calls_keep_id_name_and_arguments() -> None:
    use = {"toolUseId": "tooluse_1", "name": "a", "input": {"x": "ø"}}
    reply = _reply({"text": "Let me see."}, {"toolUse": use}, stop="tool_use")

    assert (reply.finish_reason, reply.text) == ("tool_calls", "Let me see.")
    assert [(made.id, made.name, made.arguments) for made in reply.tool_calls] == [("tooluse_1", "a", '{"x": "ø"}')]


def test_novas_answer_by_schema_is_text_again() -> None:
    form = ResponseFormat(type="json_schema", schema_={"type": "object"})
    request = a_request(provider_model="eu.amazon.nova-2-lite-v1:0", response_format=form)
    use = {"toolUseId": "tooluse_1", "name": "answer", "input": {"x": "ø"}}

    reply = from_wire(request, _body({"toolUse": use}, stop="tool_use"), httpx.Headers(), 0)

    assert (reply.text, reply.tool_calls, reply.finish_reason) == ('{"x": "ø"}', (), "stop")


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("new_reason", "stop"),
    ],
)
def test_stop_reasons(stop: str, finish: str) -> None:
    assert _reply({"text": "x"}, stop=stop).finish_reason == finish


@pytest.mark.parametrize("stop", ["guardrail_intervened", "content_filtered"])
def test_what_a_guardrail_says_instead_is_a_refusal(stop: str) -> None:
    reply = _reply({"text": "Sorry, blocked."}, stop=stop)

    assert (reply.finish_reason, reply.refusal, reply.text) == ("content_filter", "Sorry, blocked.", "")


@pytest.mark.parametrize(
    ("blocks", "stop", "name"),
    [
        ((), "content_filtered", "ContentRefused"),
        ((), "end_turn", "MalformedReply"),
        (({"text": "x"},), "malformed_model_output", "MalformedReply"),
        (({"text": "x"},), "malformed_tool_use", "MalformedReply"),
    ],
)
def test_answers_without_an_answer(blocks: Any, stop: str, name: str) -> None:
    with pytest.raises(AdapterError) as raised:
        _reply(*blocks, stop=stop)

    assert (raised.value.failure.name, stop in raised.value.failure.message) == (name, True)


@pytest.mark.parametrize("body", [b"", b"<html>", _body({"text": "x"})[:-30], b"[]", b'{"stopReason": "end_turn"}'])
def test_a_body_that_is_no_reply(body: bytes) -> None:
    with pytest.raises(ValidationError):
        from_wire(a_request(), body, {}, 0)


def _failure(status: int, code: str, message: str, **headers: str) -> AdapterFailure:
    """Of an error in the form the service sends, which botocore's own parser must read the same."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    sent = {"x-amzn-ErrorType": f"{code}:http://internal.amazon.com/coral/com.amazon.bedrock/", **named}
    body = json.dumps({"message": message}).encode()
    shape = Session().get_service_model("bedrock-runtime").operation_model("Converse").output_shape
    assert shape is not None
    read = RestJSONParser().parse({"status_code": status, "headers": httpx.Headers(sent), "body": body}, shape)
    assert (read["Error"]["Code"], read["Error"]["Message"]) == (code, message)
    request = a_request(messages=(said("user", "my secret sentence"),))
    return failure(request, status, httpx.Headers({"x-amzn-RequestId": "id-1", **sent}), body)


@pytest.mark.parametrize(
    ("status", "code", "name"),
    [
        (400, "ValidationException", "InvalidRequest"),
        (403, "AccessDeniedException", "AuthenticationFailed"),
        (403, "UnrecognizedClientException", "AuthenticationFailed"),
        (403, "InvalidSignatureException", "AuthenticationFailed"),
        (403, "ExpiredTokenException", "AuthenticationFailed"),
        (404, "ResourceNotFoundException", "InvalidRequest"),
        (408, "ModelTimeoutException", "ProviderUnavailable"),
        (424, "ModelErrorException", "ProviderUnavailable"),
        (429, "ThrottlingException", "RateLimited"),
        (400, "ServiceQuotaExceededException", "RateLimited"),
        (429, "ModelNotReadyException", "ProviderUnavailable"),
        (500, "InternalServerException", "ProviderUnavailable"),
        (503, "ServiceUnavailableException", "ProviderUnavailable"),
        (429, "NewException", "RateLimited"),
        (529, "NewException", "ProviderUnavailable"),
        (402, "NewException", "AuthenticationFailed"),
        (401, "NewException", "AuthenticationFailed"),
        (418, "NewException", "InvalidRequest"),
        (302, "NewException", "MalformedReply"),
    ],
)
def test_every_error_has_a_name(status: int, code: str, name: str) -> None:
    found = _failure(status, code, "no")

    assert (found.name, found.status, found.model, found.provider_request_id) == (name, status, "roster-model", "id-1")
    said = "" if name == "AuthenticationFailed" else ": no"
    assert found.message == f"bedrock answered {status} {code}{said}"


_OUTER = "The model returned the following errors: "


@pytest.mark.row("A16")
@pytest.mark.parametrize(
    ("message", "tokens", "limit"),
    [
        ("Input is too long for requested model.", None, None),
        (_OUTER + "prompt is too long: 200049 tokens > 200000 maximum", 200049, 200000),
        (
            _OUTER
            + "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length",
            210000,
            200000,
        ),
        (
            "400 Bad Request: Too many input tokens. Max input tokens: 8192, request input token count: 50000",
            50000,
            8192,
        ),
        (
            "This model's maximum context length is 8192 tokens. Please reduce the length of the prompt",
            None,
            8192,
        ),
        ("Input Tokens Exceeded: Number of input tokens exceeds maximum length. Please update the input.", None, None),
    ],
)
def test_overflows_name_their_figures(message: str, tokens: int | None, limit: int | None) -> None:
    found = _failure(400, "ValidationException", message)

    assert (found.name, found.tokens, found.limit) == ("ContextOverflow", tokens, limit)


@pytest.mark.row("A16")
@pytest.mark.parametrize(
    ("status", "code", "message", "name"),
    [
        (429, "ThrottlingException", "Too many tokens, please wait before trying again.", "RateLimited"),
        (429, "ThrottlingException", "Number of input tokens exceeds the quota per minute.", "RateLimited"),
        (
            400,
            "ValidationException",
            "The maximum tokens you requested exceeds the model limit of 4096. Try again with a lower value.",
            "InvalidRequest",
        ),
    ],
)
def test_not_every_word_of_tokens_is_an_overflow(status: int, code: str, message: str, name: str) -> None:
    assert _failure(status, code, message).name == name


def test_when_to_come_back() -> None:
    assert _failure(429, "ThrottlingException", "slow down", retry_after="7").retry_after_ms == 7_000
    assert _failure(429, "ThrottlingException", "slow down").retry_after_ms is None


def test_a_message_that_quotes_the_prompt_is_not_repeated() -> None:
    found = _failure(400, "ValidationException", "Value 'my secret sentence' at 'messages' failed")

    assert found.message == "bedrock answered 400 ValidationException"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"__type": "com.amazon.coral.service#ThrottlingException", "Message": "no"}', "ThrottlingException"),
        (b"<html>Bad Gateway</html>", ""),
        (b'{"message": ["no"]}', ""),
        (b"", ""),
    ],
)
def test_an_error_without_the_header(body: bytes, code: str) -> None:
    found = failure(a_request(), 503, httpx.Headers(), body)

    assert found.name == ("RateLimited" if code else "ProviderUnavailable")
    assert found.message.startswith(f"bedrock answered 503 {code}".strip())
