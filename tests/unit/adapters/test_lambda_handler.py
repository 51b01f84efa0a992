import json
import logging
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from signalbox.adapters.lambda_handler import Handler, adapter_handler
from signalbox.adapters.provider import AdapterError
from signalbox.adapters.settings import AdapterSettings
from signalbox.contracts.adapters import AdapterFailure, AdapterReply, AdapterRequest, AdapterResult, Usage
from tests.unit.adapters.samples import a_request, said

SECRET_WORDS = "the quick brown fox"
REPLY = AdapterReply(
    model="claude-haiku-5-5",
    model_version="claude-haiku-5-5",
    provider_request_id="msg_1",
    text=SECRET_WORDS,
    finish_reason="stop",
    usage=Usage(input_tokens=1_000, cached_input_tokens=400, output_tokens=50),
    cost_microusd=0,
    latency_ms=1,
)


@dataclass
class FakeProvider:
    answer: AdapterReply | Exception
    name: str = "anthropic"
    asked: list[AdapterRequest] = field(default_factory=list)

    def attempt(self, request: AdapterRequest, time_left_ms: int) -> AdapterReply:
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Context:
    """What the logger reads of Lambda's context."""

    function_name = "adapter"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:eu-north-1:123456789012:function:adapter"
    aws_request_id = "aws-1"


@dataclass
class Serving:
    """A handler in front of ``provider``, and what one invocation of it returned and printed."""

    provider: FakeProvider
    handler: Handler
    capsys: pytest.CaptureFixture[str]

    def __call__(self, **changes: Any) -> tuple[AdapterResult, list[dict[str, Any]], list[dict[str, Any]]]:
        request = a_request(
            model="claude-haiku-5-5", provider_model="claude-haiku-5-5", messages=(said("user", SECRET_WORDS),)
        )
        event = request.model_dump(mode="json") | changes
        self.capsys.readouterr()
        for handler in logging.getLogger("adapter").handlers:  # it keeps the first test's standard output
            if isinstance(handler, logging.StreamHandler):
                handler.stream = sys.stdout
        returned = self.handler(event, Context())
        printed = self.capsys.readouterr().out
        assert SECRET_WORDS not in printed
        lines = [json.loads(line) for line in printed.splitlines()]
        logs = [line for line in lines if "_aws" not in line]
        return AdapterResult.model_validate(json.loads(json.dumps(returned))), logs, [x for x in lines if "_aws" in x]


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.setenv("ROSTER_MODEL", "claude-haiku-5-5")

    def serve(answer: AdapterReply | Exception) -> Serving:
        provider = FakeProvider(answer)
        made: list[AdapterSettings] = []

        def make(settings: AdapterSettings) -> FakeProvider:
            made.append(settings)
            assert len(made) == 1
            return provider

        return Serving(provider, adapter_handler(make), capsys)

    return serve


@pytest.mark.row("D2")
def test_a_reply(serving: Any) -> None:
    serve = serving(REPLY)
    for _ in range(2):
        result, logs, metrics = serve()
        assert result.reply is not None
        # 600 at $0.1, 400 cached at $0.01 and 50 out at $0.5 a million, rounded up
        assert (result.reply.text, result.reply.cost_microusd) == (SECRET_WORDS, 89)
        assert [(line["level"], line["message"], line["correlation_id"]) for line in logs] == [
            ("INFO", "model call", "req-1")
        ]
        assert logs[0]["gen_ai.provider.name"] == "anthropic"
        assert logs[0]["gen_ai.request.model"] == logs[0]["gen_ai.response.model"] == "claude-haiku-5-5"
        assert (logs[0]["gen_ai.usage.input_tokens"], logs[0]["gen_ai.usage.output_tokens"]) == (1_000, 50)
        assert (logs[0]["gen_ai.response.finish_reasons"], logs[0]["gen_ai.response.id"]) == (["stop"], "msg_1")
        assert logs[0]["cost_microusd"] == 89
        (blob,) = metrics
        (directive,) = blob["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Signalbox"
        assert sorted(directive["Dimensions"][0]) == ["model", "outcome", "route", "service"]
        assert (blob["route"], blob["model"], blob["outcome"]) == ("chat", "claude-haiku-5-5", "ok")
        assert (blob["caller"], blob["request_id"]) == ("acme", "req-1")
        counted = {name: blob[name] for name in ("adapter_requests", "errors", "cost_microusd", "input_tokens")}
        assert counted == {"adapter_requests": [1], "errors": [0], "cost_microusd": [89], "input_tokens": [1_000]}
        assert (blob["cached_input_tokens"], blob["output_tokens"]) == ([400], [50])
        units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
        assert (units["latency_ms"], units["time_to_first_reply_ms"]) == ("Milliseconds", "Milliseconds")


def test_a_failure(serving: Any) -> None:
    failure = AdapterFailure(name="ContentRefused", message="no", model="claude-haiku-5-5", status=400)
    result, logs, metrics = serving(AdapterError(failure))()
    assert result.failure is not None
    assert result.failure.name == "ContentRefused"
    assert [(line["error.type"], line["http.response.status_code"]) for line in logs] == [("ContentRefused", 400)]
    assert (metrics[0]["outcome"], metrics[0]["errors"]) == ("ContentRefused", [1])


@pytest.mark.row("D2")
def test_another_functions_model_is_refused(serving: Any) -> None:
    serve = serving(REPLY)
    result, _, metrics = serve(model="gpt-6-luna")
    assert result.failure is not None
    assert (result.failure.name, serve.provider.asked) == ("InvalidRequest", [])
    assert result.failure.message == "this adapter serves claude-haiku-5-5, not gpt-6-luna"
    assert metrics[0]["outcome"] == "InvalidRequest"


def test_an_event_that_is_no_request(serving: Any) -> None:
    result, logs, _ = serving(REPLY)(messages=SECRET_WORDS)
    assert result.failure is not None
    assert (result.failure.name, result.failure.message) == ("InvalidRequest", "not an adapter request: messages")
    assert [line["level"] for line in logs] == ["ERROR"]


def test_a_break_of_our_own_is_a_failure_without_its_words(serving: Any) -> None:
    result, logs, metrics = serving(RuntimeError(SECRET_WORDS))()
    assert result.failure is not None
    assert (result.failure.name, result.failure.message) == (
        "ProviderUnavailable",
        "the adapter broke (RuntimeError)",
    )
    assert [line["level"] for line in logs] == ["ERROR", "INFO"]
    assert metrics[0]["errors"] == [1]


def test_an_unpriced_reply_is_a_failure_not_free(serving: Any) -> None:
    result, _, _ = serving(REPLY)(provider_model="claude-unheard-of")
    assert result.failure is not None
    assert result.failure.message == "the adapter broke (UnknownPrice)"
