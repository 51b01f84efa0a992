"""Follows the router's log and shows each decision as one readable line."""

import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from workbench.stack import Stack

POLL_S = 0.5
# A line may be filed a little after the time it carries.
OVERLAP_MS = 2_000
HEADER = f"{'time':8}  {'caller':12} {'route':18} {'model':22} {'in':>7} {'out':>6} {'cost µ$':>9} {'ms':>6}  status"


def decisions(stack: Stack, group: str, since_ms: int) -> Iterator[dict[str, Any]]:
    """Every decision logged from ``since_ms`` (Unix time) on, each once, without end."""
    logs, seen = stack.client("logs"), dict[str, int]()
    while True:
        newest = since_ms
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since_ms):
            for event in page["events"]:
                newest = max(newest, event["timestamp"])
                entry = _decision(event["message"])
                if entry is not None and entry["request_id"] not in seen:
                    seen[entry["request_id"]] = event["timestamp"]
                    yield entry
        since_ms = max(since_ms, newest - OVERLAP_MS)
        seen = {request: at_ms for request, at_ms in seen.items() if at_ms >= since_ms}
        time.sleep(POLL_S)


def _decision(line: str) -> dict[str, Any] | None:
    if '"decision"' not in line:
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and entry.get("message") == "decision" else None


def as_line(entry: dict[str, Any]) -> str:
    """Columns as in HEADER; tokens as billed, cost in micro-dollars."""
    at = datetime.now().astimezone().strftime("%H:%M:%S")
    return (
        f"{at:8}  {_fit(entry['caller'], 12)} {_fit(entry['signalbox.route'], 18)} "
        f"{_fit(entry['gen_ai.request.model'], 22)} {entry['gen_ai.usage.input_tokens']:>7,} "
        f"{entry['gen_ai.usage.output_tokens']:>6,} {entry['cost_microusd']:>9,} {entry['latency_ms']:>6,}  "
        f"{entry['status']}"
        + (f" {entry['error.code']}" if entry.get("error.code") else "")
        + (f" again, by {entry['signalbox.replay']}" if entry.get("signalbox.replay") else "")
    )


def _fit(text: str | None, width: int) -> str:
    text = text or "-"
    return f"{text:{width}}" if len(text) <= width else text[: width - 1] + "…"
