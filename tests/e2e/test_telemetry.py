"""What a request leaves behind: metrics that can be read back, logs without a word of what was said."""

import json
import re
import time
from datetime import timedelta
from typing import Any

import openai
import pytest

from workbench.commands.metrics import Series, read
from workbench.local.stack import Running

SAID = "my-very-private-sentence-7741"
SAID_ELSEWHERE = ("my secret is 1234", "pangolin-", "how much is the plan", "my name is Ada", "You wrote", "same-key")
ANY_KEY = re.compile(r"sb_[a-z0-9]{10}_[A-Za-z0-9_-]{43}")


def metrics(running: Running, name: str, **dimensions: str) -> list[Series]:
    return [
        series
        for series in read(running.stack, timedelta(hours=1), name)
        if dimensions.items() <= series.dimensions.items()
    ]


def logged(running: Running, output: str, request_id: str) -> list[dict[str, Any]]:
    """The JSON lines of one request in the log group behind a stack output."""
    found: list[dict[str, Any]] = []
    logs = running.stack.client("logs")
    for _ in range(20):
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=running.stack.output(output))
        events = [event["message"] for page in pages for event in page["events"]]
        found = [json.loads(line) for line in events if request_id in line and line.startswith("{")]
        if found:
            return found
        time.sleep(0.25)
    return found


@pytest.mark.row("B9")
@pytest.mark.row("D2")
def test_cost_latency_and_confidence_come_back_as_metrics(running: Running, client: openai.OpenAI) -> None:
    of_route = {"service": "router", "route": "escalation", "outcome": "ok"}
    before = sum(series.statistics["Sum"] for series in metrics(running, "requests", **of_route))
    reply = client.chat.completions.create(
        model="auto",
        messages=[{"role": "user", "content": "nobody helps me"}],
        extra_body={"signalbox": {"priority": "high"}},
    )
    assert reply.choices
    after = metrics(running, "requests", **of_route)
    assert sum(series.statistics["Sum"] for series in after) == before + 1
    for name in ("latency_ms", "cost_microusd", "SemanticConfidence"):
        assert metrics(running, name, **of_route), name
    of_model = {"service": "adapter", "model": "gpt-6-1-sol"}
    for name in ("adapter_requests", "input_tokens", "output_tokens", "time_to_first_reply_ms"):
        assert sum(series.statistics["Sum"] for series in metrics(running, name, **of_model)) > 0, name


@pytest.mark.row("B10")
def test_one_request_id_runs_through_router_and_adapter(running: Running, client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="auto", messages=[{"role": "user", "content": f"please keep {SAID} to yourself"}]
    )
    request_id = raw.headers["x-request-id"]
    decisions = [line for line in logged(running, "RouterLogGroup", request_id) if line.get("message") == "decision"]
    assert len(decisions) == 1
    decision = decisions[0]
    assert decision["caller"] == "local"
    assert decision["cost_microusd"] == int(raw.headers["x-signalbox-cost-microusd"])
    assert decision["gen_ai.usage.input_tokens"] > 0
    calls = [line for line in logged(running, "AdapterLogGroup", request_id) if line.get("message") == "model call"]
    assert {call["correlation_id"] for call in calls} == {request_id}  # a plan may take several


def test_no_log_line_holds_a_key_or_what_was_said(running: Running, client: openai.OpenAI) -> None:
    client.chat.completions.create(model="auto", messages=[{"role": "user", "content": f"remember {SAID}"}])
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(
            model="auto", messages=[{"role": "user", "content": SAID}], extra_body={SAID: SAID, "logprobs": True}
        )
    logs, lines = running.stack.client("logs"), []
    for output in ("RouterLogGroup", "AdapterLogGroup", "AuthorizerLogGroup", "ReconcileLogGroup"):
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=running.stack.output(output)):
            lines += [event["message"] for event in page["events"]]
    assert len(lines) > 10
    # Of the whole run: these tests come last, and every caller's words are of one of these sentences.
    for secret in (SAID, *SAID_ELSEWHERE, running.local.api_key.rsplit("_", 1)[1], "simulated-key"):
        assert not [line for line in lines if secret in line], "a secret or a caller's words are in the log"
    assert not [line for line in lines if ANY_KEY.search(line)], "somebody's key is in the log"
