"""How much sooner the preliminary reply is there than the final one, through the API of a running stack."""

import statistics
import time
from dataclasses import dataclass
from typing import Any

import httpx

from workbench.problem import Problem
from workbench.stack import LocalStack

REQUESTS = 40
# Long enough for any simulated model; the final reply is waited for, 20 s at a time.
LIMIT_S = 60
# In the band where the stronger model verifies, whatever it then says.
BODY = {"lane": "draft", "confidence": 0.8, "max_tokens": 400}


@dataclass(frozen=True)
class Spread:
    """Milliseconds."""

    p50_ms: float
    p95_ms: float


@dataclass(frozen=True)
class Times:
    """Of ``requests`` under the plan ``verify``, and of the same questions answered by the stronger role at once."""

    requests: int
    preliminary: Spread
    final: Spread
    alone: Spread
    resolutions: dict[str, int]


def times(local: LocalStack) -> Times:
    """One after the other. Raises Problem where a request fails, or is not verified in time."""
    headers = {"authorization": f"Bearer {local.api_key}"}
    first, last, alone, resolutions = list[float](), list[float](), list[float](), dict[str, int]()
    with httpx.Client(base_url=local.base_url, headers=headers, timeout=LIMIT_S) as client:
        for number in range(-3, REQUESTS):  # the first ones wake the workers
            text = f"What should I know before I change plan {number}?"
            began = time.perf_counter()
            reply = _checked(client.post("/infer", json={**BODY, "text": text}))
            soon = time.perf_counter()
            if reply["signalbox"]["status"] != "preliminary":
                raise Problem(f"not preliminary: {reply['signalbox']}")
            final = _final(client, reply["request_id"])
            done = time.perf_counter()
            asked = {"text": text, "model": "escalation", "max_tokens": 400, "deadline_ms": 28_000}
            _checked(client.post("/infer", json=asked))
            if number >= 0:
                first.append((soon - began) * 1_000)
                last.append((done - began) * 1_000)
                alone.append((time.perf_counter() - done) * 1_000)
                resolutions[final["resolution"]] = resolutions.get(final["resolution"], 0) + 1
    return Times(REQUESTS, _spread(first), _spread(last), _spread(alone), resolutions)


def _final(client: httpx.Client, request_id: str) -> dict[str, Any]:
    ends_at = time.monotonic() + LIMIT_S
    while time.monotonic() < ends_at:
        told = _checked(client.get(f"/replies/{request_id}", params={"wait": 20}))
        if told["status"] != "pending":
            return told
    raise Problem(f"{request_id} was not final after {LIMIT_S} s")


def _checked(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code not in (200, 202):
        raise Problem(f"answered {answer.status_code}: {answer.text[:300]}")
    told: dict[str, Any] = answer.json()
    return told


def _spread(values: list[float]) -> Spread:
    return Spread(statistics.median(values), statistics.quantiles(values, n=20)[-1])
