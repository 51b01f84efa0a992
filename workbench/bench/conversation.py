"""Time to decide a turn of a conversation, in process: opening it, signals and decision; early and late in it."""

import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
import httpx

from signalbox.contracts.messages import Message, Role, TextPart
from signalbox.contracts.requests import InferenceRequest
from signalbox.conversations.bodies import S3Bodies
from signalbox.conversations.dynamo import DynamoConversations
from signalbox.decision.decide import decide
from signalbox.policy.load import load_resource
from signalbox.pricing.table import load_prices
from signalbox.signals.extract import extract
from signalbox.signals.tokens import count_text
from signalbox.transport.dynamodb import DynamoDB
from signalbox.transport.sigv4 import Keys
from workbench.bench.decision import PROSE
from workbench.local.ministack import CREDENTIALS, REGION, ministack
from workbench.local.processes import free_port
from workbench.paths import STATE

TURNS = (10, 1_000)
RUNS = 400
DAY_S = 86_400


@dataclass(frozen=True)
class OpeningTime:
    """Medians in milliseconds, a question and its reply being a turn. ``decide_ms`` with only the new turn sent,
    DynamoDB's own time left out; ``stored_ms`` with MiniStack's in it; ``resent_ms`` is ``decide_ms`` where the
    whole history is sent again. ``reads`` are calls of DynamoDB, and only ``counted`` messages were tokenized.
    """

    turns: int
    messages: int
    decide_ms: float
    stored_ms: float
    resent_ms: float
    reads: int
    counted: int


@dataclass(frozen=True)
class _Remembering(DynamoDB):
    """Answers what it was asked before from memory, so that what is left is the router's own time."""

    answers: dict[str, str] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)

    def _call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        asked = json.dumps([operation, arguments])
        self.reads.append(operation)
        if asked not in self.answers:
            self.answers[asked] = json.dumps(super()._call(operation, arguments))
        found: dict[str, Any] = json.loads(self.answers[asked])
        return found


class _Clock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


def opening_times(runs: int = RUNS) -> list[OpeningTime]:
    """For turn 10 and turn 1,000 of conversations that MiniStack keeps."""
    with ministack(free_port(), STATE / "bench-stores.log") as url, httpx.Client() as client:
        table = _table(url)
        dynamodb = DynamoDB(REGION, url, _keys, lambda: client)
        return [_opening_time(dynamodb, table, turns, runs) for turns in TURNS]


def ratio(rows: list[OpeningTime]) -> float:
    """``decide_ms`` of the last against the first."""
    return rows[-1].decide_ms / rows[0].decide_ms


def _opening_time(dynamodb: DynamoDB, table: str, turns: int, runs: int) -> OpeningTime:
    policy, prices, name = load_resource(), load_prices(), f"turn-{turns}"
    count_text("the tokenizer is loaded before the clock starts")
    history = tuple(_said(at) for at in range(2 * (turns - 1)))
    new = _said(len(history))
    stored = _conversations(dynamodb, table)
    opened = stored.open("bench", name, history[:-1], "auto", whole=False)
    stored.commit(stored.claim(opened, "r0", time.time_ns()), "r0", history[-1])

    def once(conversations: DynamoConversations, *messages: Message) -> int:
        opened = conversations.open("bench", name, messages, "auto", whole=False)
        request = InferenceRequest(
            request_id="r1", caller="bench", path="/v1/infer", messages=messages, snapshot=opened.snapshot
        )
        now = datetime.now(UTC)
        decide(request, extract(request, policy, now), policy, prices, now)
        return len(opened.new)

    known = _Remembering(dynamodb.region, dynamodb.url, dynamodb.keys, dynamodb.client)
    quick = _conversations(known, table)
    counted = once(quick, new)
    reads = len(known.reads)
    return OpeningTime(
        turns=turns,
        messages=len(history) + 1,
        decide_ms=_median_ms(lambda: once(quick, new), runs),
        stored_ms=_median_ms(lambda: once(stored, new), runs // 4),
        resent_ms=_median_ms(lambda: once(quick, *history, new), runs // 8),
        reads=reads,
        counted=counted,
    )


def _said(at: int) -> Message:
    role: Role = "assistant" if at % 2 else "user"
    return Message(role=role, content=(TextPart(text=f"{at}: {PROSE}"),))


def _median_ms(work: Callable[[], object], runs: int) -> float:
    for _ in range(max(3, runs // 10)):
        work()
    took = []
    for _ in range(runs):
        started = time.perf_counter_ns()
        work()
        took.append((time.perf_counter_ns() - started) / 1e6)
    return statistics.median(took)


def _conversations(dynamodb: DynamoDB, table: str) -> DynamoConversations:
    return DynamoConversations(dynamodb, table, S3Bodies("none"), 30 * DAY_S, _nothing_kept, _Clock())


def _nothing_kept(_answers: Iterable[str]) -> None:
    pass


def _table(url: str) -> str:
    keys = (("conversation", "HASH"), ("item", "RANGE"))
    boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    ).create_table(
        TableName="Conversations",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
    )
    return "Conversations"


def _keys() -> Keys:
    return Keys(CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"])


if __name__ == "__main__":
    times = opening_times()
    print(*times, f"ratio {ratio(times):.2f}", sep="\n")
