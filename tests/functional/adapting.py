"""What the functional tests of the HTTP adapters share: the real harness, a fixed key and any price."""

import time
from typing import Any

from signalbox.adapters.clock import SystemClock
from signalbox.adapters.http import Dialect, HttpProvider
from signalbox.adapters.run import run
from signalbox.contracts.adapters import AdapterFailure, AdapterReply, AdapterRequest, AdapterResult
from signalbox.contracts.messages import Message, TextPart, Tool

WEATHER = Tool(
    name="get_weather",
    description="The weather in a city",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)


class FixedKey:
    """Keys in turn, the next one each time a fresh one is asked for."""

    def __init__(self, *keys: str | None) -> None:
        self._keys = list(keys)

    def key(self, *, fresh: bool) -> str | None:
        if fresh and len(self._keys) > 1:
            self._keys.pop(0)
        return self._keys[0]


def said(role: Any, *texts: str, **more: Any) -> Message:
    return Message(role=role, content=tuple(TextPart(text=text) for text in texts), **more)


def a_request(limit_ms: int = 10_000, **changes: Any) -> AdapterRequest:
    """A request that has ``limit_ms`` from now."""
    fields: dict[str, Any] = {
        "request_id": "req-1",
        "caller": "acme",
        "route": "chat",
        "model": "roster-model",
        "provider_model": "provider-model-1",
        "messages": (said("user", "hello"),),
        "max_output_tokens": 100,
        "deadline_at_ms": time.time_ns() // 1_000_000 + limit_ms,
        "deadline_ms": limit_ms,
    }
    return AdapterRequest(**(fields | changes))


def called(dialect: Dialect, request: AdapterRequest, keys: FixedKey | None = None) -> AdapterResult:
    """One call with the harness as it runs in Lambda; a token costs a micro-dollar, retries do not wait."""
    provider = HttpProvider(dialect, keys or FixedKey("the-key"))
    priced = lambda _name, _model, usage: usage.input_tokens + usage.output_tokens  # noqa: E731
    return run(provider, request, SystemClock(), priced, lambda: 0.0)


def replied(dialect: Dialect, request: AdapterRequest) -> AdapterReply:
    result = called(dialect, request)
    assert result.reply is not None, result.failure
    return result.reply


def failed(dialect: Dialect, request: AdapterRequest, keys: FixedKey | None = None) -> AdapterFailure:
    result = called(dialect, request, keys)
    assert result.failure is not None, result.reply
    return result.failure
