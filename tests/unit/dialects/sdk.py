"""The official OpenAI SDK without a network: what it sends, and what it makes of our answers."""

import json
from collections.abc import Callable
from typing import Any

import httpx
from openai import OpenAI

from signalbox.contracts.adapters import AdapterReply, Usage
from signalbox.contracts.requests import InferenceRequest
from signalbox.dialects import openai_chat
from signalbox.dialects.body import read_json

WHO: dict[str, Any] = {"request_id": "req-1", "caller": "shop", "tier": "standard", "path": "/v1/chat/completions"}
EXTRAS = {"route": "small", "cost_microusd": 12}
CREATED = 1_795_000_000


def reply(**changes: Any) -> AdapterReply:
    """A plain answer of a model."""
    usage = Usage(input_tokens=10, cached_input_tokens=4, cache_write_tokens=2, output_tokens=5, reasoning_tokens=3)
    known: dict[str, Any] = {
        "model": "small",
        "model_version": "small-2026-10-01",
        "provider_request_id": None,
        "text": "Hello",
        "finish_reason": "stop",
        "usage": usage,
        "cost_microusd": 12,
        "latency_ms": 30,
    }
    return AdapterReply(**{**known, **changes})


def client(answer: Callable[[httpx.Request], httpx.Response]) -> OpenAI:
    """An SDK client whose every request ``answer`` takes."""
    http = httpx.Client(transport=httpx.MockTransport(answer))
    return OpenAI(api_key="sb_test", base_url="http://router.test/api/v1", http_client=http, max_retries=0)  # type: ignore[arg-type]


def parsed(request: httpx.Request) -> InferenceRequest:
    """The SDK's own bytes through the whole way in."""
    body = read_json(request.content, request.headers["content-type"], request.headers.get("content-encoding"))
    return openai_chat.parse(body, **WHO)


def sent_by_sdk(**parameters: Any) -> InferenceRequest:
    """The request that ``chat.completions.create(**parameters)`` becomes."""
    seen: list[InferenceRequest] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(parsed(request))
        if seen[0].stream:
            events = openai_chat.render_stream(seen[0], reply(), EXTRAS, created=CREATED)
            return httpx.Response(200, text=events, headers={"content-type": "text/event-stream"})
        return httpx.Response(200, json=openai_chat.render(seen[0], reply(), EXTRAS, created=CREATED))

    client(answer).chat.completions.create(**{"model": "auto", **parameters})
    return seen[0]


def body_json(request: httpx.Request) -> dict[str, Any]:
    """What the SDK sent, as JSON."""
    body: dict[str, Any] = json.loads(request.content)
    return body
