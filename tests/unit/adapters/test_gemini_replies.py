"""generateContent's answers and errors → the contract."""

import json
import math
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from adapters.gemini.errors import failure
from adapters.gemini.replies import from_wire
from signalbox.adapters.provider import AdapterError
from signalbox.contracts.adapters import AdapterFailure, AdapterReply, Usage
from tests.unit.adapters.samples import a_request, said

_USAGE = {
    "promptTokenCount": 100,
    "cachedContentTokenCount": 60,
    "candidatesTokenCount": 20,
    "thoughtsTokenCount": 30,
    "toolUsePromptTokenCount": 5,
    "totalTokenCount": 155,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 100}],
}


def _reply(*parts: Any, reason: str = "STOP", headers: dict[str, str] | None = None, **more: Any) -> AdapterReply:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": reason, "index": 0}
    body = {"candidates": [candidate], "usageMetadata": _USAGE, "modelVersion": "gemini-x-001", "responseId": "r-1"}
    return from_wire(a_request(), json.dumps(body | more).encode(), httpx.Headers(headers), 12)


def test_text_usage_and_identity() -> None:
    reply = _reply({"text": "pondering", "thought": True}, {"text": "Hel"}, {"text": "lo", "thoughtSignature": "QQ=="})

    assert (reply.text, reply.finish_reason, reply.refusal) == ("Hello", "stop", None)
    assert (reply.model, reply.model_version, reply.provider_request_id) == ("roster-model", "gemini-x-001", "r-1")
    assert (reply.latency_ms, reply.cost_microusd, reply.simulated) == (12, 0, False)
    assert reply.usage == Usage(input_tokens=105, cached_input_tokens=60, output_tokens=50, reasoning_tokens=30)


def test_a_simulated_reply_says_so() -> None:
    assert _reply({"text": "x"}, headers={"X-Simulated": "true"}).simulated


@pytest.mark.row("A17")
def test_calls_keep_name_arguments_and_signature_and_get_ids_of_their_own() -> None:
    reply = _reply(
        {"functionCall": {"id": "fc-1", "name": "a", "args": {"x": "ø"}}, "thoughtSignature": "Q+/="},
        {"functionCall": {"name": "b"}},
        {"functionCall": {"name": "b"}},
    )

    assert reply.finish_reason == "tool_calls"
    assert [(made.id, made.name, made.arguments) for made in reply.tool_calls] == [
        ("fc-1__thought__Q-_", "a", '{"x": "ø"}'),
        ("call_r-1_1", "b", "{}"),
        ("call_r-1_2", "b", "{}"),
    ]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("STOP", "stop"), ("MAX_TOKENS", "length"), ("FINISH_REASON_UNSPECIFIED", "stop"), ("NEW_REASON", "stop")],
)
def test_finish_reasons(reason: str, finish: str) -> None:
    assert _reply({"text": "x"}, reason=reason).finish_reason == finish


def test_thinking_may_use_up_the_whole_limit() -> None:
    assert (_reply(reason="MAX_TOKENS").text, _reply(reason="MAX_TOKENS").finish_reason) == ("", "length")


@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII"])
def test_a_stopped_answer_is_a_refusal(reason: str) -> None:
    reply = _reply({"text": "I can't help"}, reason=reason)

    assert (reply.finish_reason, reply.refusal, reply.text) == ("content_filter", "I can't help", "")


@pytest.mark.parametrize(
    ("body", "name", "words"),
    [
        ({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": _USAGE}, "ContentRefused", "SAFETY"),
        ({"candidates": [{"finishReason": "SAFETY"}], "usageMetadata": _USAGE}, "ContentRefused", "SAFETY"),
        ({"candidates": [], "usageMetadata": _USAGE}, "MalformedReply", "candidates"),
        ({"candidates": [{"finishReason": "STOP"}]}, "MalformedReply", "usageMetadata"),
        ({"candidates": [{"finishReason": "STOP"}], "usageMetadata": _USAGE}, "MalformedReply", "STOP"),
        (
            {
                "candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL", "content": {"parts": [{"text": "x"}]}}],
                "usageMetadata": _USAGE,
            },
            "MalformedReply",
            "MALFORMED_FUNCTION_CALL",
        ),
    ],
)
def test_answers_without_an_answer(body: Any, name: str, words: str) -> None:
    with pytest.raises(AdapterError) as raised:
        from_wire(a_request(), json.dumps(body).encode(), {}, 0)

    assert (raised.value.failure.name, words in raised.value.failure.message) == (name, True)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"candidates": [{"content"', b"[]", b'{"candidates": [{}]}'])
def test_a_body_that_is_no_reply(body: bytes) -> None:
    with pytest.raises(ValidationError):
        from_wire(a_request(), body, {}, 0)


def test_log_probabilities() -> None:
    candidate = {
        "content": {"parts": [{"text": "x"}]},
        "finishReason": "STOP",
        "avgLogprobs": -0.5,
        "logprobsResult": {"chosenCandidates": [{"logProbability": -0.1}, {"logProbability": -0.9}]},
    }
    reply = _reply(candidates=[candidate])

    assert (reply.mean_logprob, reply.min_logprob, reply.mean_entropy) == (-0.5, -0.9, None)


def test_alternatives_give_the_entropy() -> None:
    half = {"logProbability": math.log(0.5)}
    result = {"chosenCandidates": [half, {"logProbability": 0.0}], "topCandidates": [{"candidates": [half, half]}, {}]}
    reply = _reply(
        candidates=[{"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP", "logprobsResult": result}]
    )

    assert reply.mean_entropy == pytest.approx(math.log(2))
    assert (reply.mean_logprob, reply.min_logprob) == (math.log(0.5) / 2, math.log(0.5))


def _failure(status: int, message: str = "", grpc: str = "", details: Any = (), **headers: str) -> AdapterFailure:
    body = {"error": {"code": status, "message": message, "status": grpc, "details": list(details)}}
    named = httpx.Headers({key.replace("_", "-"): value for key, value in headers.items()})
    return failure(a_request(messages=(said("user", "my secret sentence"),)), status, named, json.dumps(body).encode())


@pytest.mark.row("A16")
@pytest.mark.parametrize(
    ("message", "tokens", "limit"),
    [
        ("The input token count (1200293) exceeds the maximum number of tokens allowed (1048576).", 1200293, 1048576),
        ("The input token count exceeds the maximum number of tokens allowed 1048576.", None, 1048576),
        (
            "Unable to submit request because the input token count is 1048580 but model only supports up to 1048576. "
            "Reduce the input token count and try again.",
            1048580,
            1048576,
        ),
    ],
)
def test_overflows_name_their_figures(message: str, tokens: int | None, limit: int) -> None:
    found = _failure(400, message, "INVALID_ARGUMENT")

    assert (found.name, found.tokens, found.limit) == ("ContextOverflow", tokens, limit)


_BAD_KEY = [
    {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
]


@pytest.mark.parametrize(
    ("status", "grpc", "details", "name"),
    [
        (400, "INVALID_ARGUMENT", (), "InvalidRequest"),
        (400, "INVALID_ARGUMENT", _BAD_KEY, "AuthenticationFailed"),
        (400, "FAILED_PRECONDITION", (), "AuthenticationFailed"),
        (401, "UNAUTHENTICATED", (), "AuthenticationFailed"),
        (403, "PERMISSION_DENIED", (), "AuthenticationFailed"),
        (404, "NOT_FOUND", (), "InvalidRequest"),
        (408, "", (), "ProviderUnavailable"),
        (413, "", (), "InvalidRequest"),
        (429, "RESOURCE_EXHAUSTED", (), "RateLimited"),
        (499, "CANCELLED", (), "ProviderUnavailable"),
        (500, "INTERNAL", (), "ProviderUnavailable"),
        (503, "UNAVAILABLE", (), "ProviderUnavailable"),
        (504, "DEADLINE_EXCEEDED", (), "ProviderUnavailable"),
        (302, "", (), "MalformedReply"),
    ],
)
def test_every_error_has_a_name(status: int, grpc: str, details: Any, name: str) -> None:
    found = _failure(status, "no", grpc, details)

    assert (found.name, found.status, found.model) == (name, status, "roster-model")
    assert found.message.endswith(": no") == (name != "AuthenticationFailed")


def test_when_to_come_back() -> None:
    retry = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "31.5s"}]

    assert _failure(429, details=retry).retry_after_ms == 31_500
    assert _failure(429, retry_after="7").retry_after_ms == 7_000
    assert _failure(429).retry_after_ms is None


def test_a_message_that_quotes_the_prompt_is_not_repeated_but_the_field_is() -> None:
    violations = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": "contents[0]"}]}]

    found = _failure(400, 'Invalid value "my secret sentence"', "INVALID_ARGUMENT", violations)

    assert found.message == "gemini answered 400 INVALID_ARGUMENT: contents[0]"


@pytest.mark.parametrize("body", [b"", b"<html>Bad Gateway</html>", b'{"error": {"mess', b'{"error": "no"}', b"[]"])
def test_an_error_without_a_readable_body_goes_by_its_status(body: bytes) -> None:
    assert failure(a_request(), 502, httpx.Headers(), body).name == "ProviderUnavailable"
