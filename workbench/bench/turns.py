"""A thousand turns of one conversation through the API of a running stack: does deciding stay as quick?"""

import statistics
import time
import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from workbench.problem import Problem
from workbench.stack import LocalStack

TURNS = 1_000
# Turns around the tenth and around the last, so that one slow read decides nothing.
EARLY, LATE = range(5, 25), range(TURNS - 20, TURNS)


@dataclass(frozen=True)
class TurnTimes:
    """Medians in milliseconds over 20 turns. ``counted`` is how many messages were tokenized, all told."""

    turns: int
    early_decide_ms: float
    late_decide_ms: float
    early_latency_ms: float
    late_latency_ms: float
    counted: int
    messages: int

    @property
    def ratio(self) -> float:
        return self.late_decide_ms / self.early_decide_ms


def turn_times(local: LocalStack) -> TurnTimes:
    """Sends one new turn at a time. ``decide_ms`` is the router's own figure: opening, signals and decision.

    Raises Problem where a turn fails.
    """
    conversation = f"bench-{uuid.uuid4().hex}"
    headers = {"authorization": f"Bearer {local.api_key}"}
    told: list[dict[str, Any]] = []
    with httpx.Client(base_url=local.base_url, headers=headers, timeout=60) as client:
        for turn in range(TURNS):
            body = {"text": f"question {turn}: and what then?", "conversation_id": conversation, "max_tokens": 16}
            told.append(_asked(client, {**body, "model": "fast", "deadline_ms": 25_000})["signalbox"])
        client.delete(f"/conversations/{conversation}")
    talks = [one["conversation"] for one in told]
    return TurnTimes(
        turns=TURNS,
        early_decide_ms=_median(told, EARLY, "decide_ms"),
        late_decide_ms=_median(told, LATE, "decide_ms"),
        early_latency_ms=_median(told, EARLY, "latency_ms"),
        late_latency_ms=_median(told, LATE, "latency_ms"),
        counted=sum(one["counted"] for one in talks),
        messages=talks[-1]["messages"],
    )


def _median(told: list[dict[str, Any]], turns: range, name: str) -> float:
    return float(statistics.median(told[turn][name] for turn in turns))


def _asked(client: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    """The reply; a rate limit is waited for."""
    while True:
        answer = client.post("/infer", json=body)
        if answer.status_code == 429 and "retry-after" in answer.headers:
            time.sleep(float(answer.headers["retry-after"]))
            continue
        if answer.status_code != 200:
            raise Problem(f"a turn was answered {answer.status_code}: {answer.text[:300]}")
        reply: dict[str, Any] = answer.json()
        return reply
