"""Time to decide, warm and in process: parse, signals, decide; beside reading the same body as JSON."""

import gc
import json
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from signalbox.contracts.decisions import Decision
from signalbox.decision.decide import decide
from signalbox.dialects import openai_chat
from signalbox.dialects.body import read_json
from signalbox.policy.load import load_resource
from signalbox.pricing.table import load_prices
from signalbox.signals.extract import extract
from signalbox.signals.tokens import count_text

SIZES_TOKENS = (50, 2_000, 100_000)
RUNS = {50: 2_000, 2_000: 1_000, 100_000: 60}
PROSE = (
    "i moved to a new house and want to change my cable connection please tell me what the bill for order will be "
    "because the card was charged twice and nobody answered my email about the refund of the seat assignment fee"
)


@dataclass(frozen=True)
class DecisionTime:
    """Milliseconds; ``ratio`` is the median against reading the same body with ``json.loads``."""

    tokens: int
    p50_ms: float
    p99_ms: float
    baseline_p50_ms: float

    @property
    def ratio(self) -> float:
        return self.p50_ms / self.baseline_p50_ms


def body_of(tokens: int, seed: int = 7) -> bytes:
    """A chat body of about so many tokens, prose, over several turns."""
    draw = random.Random(seed)  # noqa: S311 a reproducible text, not a secret
    turns = 1 if tokens < 500 else 9
    vocabulary = PROSE.split()
    words = [draw.choice(vocabulary) for _ in range(int(tokens * 0.97))]
    share = -(-len(words) // turns)
    messages = [
        {
            "role": "user" if turn % 2 == 0 else "assistant",
            "content": " ".join(words[turn * share : (turn + 1) * share]),
        }
        for turn in range(turns)
    ]
    return json.dumps({"model": "auto", "messages": messages, "max_tokens": 512}).encode()


def decision_times() -> list[DecisionTime]:
    """For 50, 2,000 and 100,000 tokens; the tokenizer and the policy are loaded beforehand."""
    policy, prices, now = load_resource(), load_prices(), datetime.now(UTC)
    count_text("the tokenizer is loaded before the clock starts")

    def once(raw: bytes) -> Decision:
        request = openai_chat.parse(
            read_json(raw, "application/json", None),
            request_id="bench",
            caller="bench",
            tier="standard",
            path="/v1/chat/completions",
        )
        return decide(request, extract(request, policy, now), policy, prices, now)

    rows = []
    for tokens in SIZES_TOKENS:
        raw = body_of(tokens)
        took = _timed(lambda raw=raw: once(raw), RUNS[tokens])  # type: ignore[misc]
        base = _timed(lambda raw=raw: json.loads(raw), RUNS[tokens])  # type: ignore[misc]
        rows.append(DecisionTime(tokens, statistics.median(took), _p99(took), statistics.median(base)))
    return rows


def _timed(work: Callable[[], object], runs: int) -> list[float]:
    for _ in range(max(3, runs // 20)):
        work()
    gc.collect()
    took = []
    for _ in range(runs):
        started = time.perf_counter_ns()
        work()
        took.append((time.perf_counter_ns() - started) / 1e6)
    return took


def _p99(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]
