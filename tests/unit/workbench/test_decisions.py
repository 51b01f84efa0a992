"""``signalbox decisions``, over a ledger in memory."""

import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from signalbox.contracts.adapters import Usage
from signalbox.contracts.decisions import Rejection
from signalbox.contracts.ledger import AttemptFacts, Entry, Replay
from tests.fakes.ledger import COUNTERS, LEDGER, InMemoryLedger
from tests.unit.quotas import samples
from workbench.commands import decisions
from workbench.problem import Problem
from workbench.stack import Stack

RUNNER = CliRunner()
DAY_S = 86_400


def entry(number: int, model: str = "small", **fields: object) -> Entry:
    """A settled request of alice's, the later the higher its number."""
    attempt = AttemptFacts(
        model=model,
        model_version=f"{model}-2026",
        provider_request_id="p-1",
        usage=Usage(input_tokens=11, output_tokens=3),
        cost_microusd=42,
        latency_ms=5,
    )
    fixed: dict[str, object] = {
        "request_id": f"req_{number}",
        "state": "settled",
        "status": 200,
        "latency_ms": 9,
        "attempts": (attempt,),
        "booked_microusd": 42,
        "lease_ends_at_ms": None,
    }
    return samples.entry(**(fixed | fields))  # type: ignore[arg-type]


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> InMemoryLedger:
    """What `make run` would have started, a minute after the samples."""
    clock = SimpleNamespace(now_ms=lambda: samples.NOW_MS + 60_000)
    known = InMemoryLedger(clock)
    tables = {"LedgerTable": LEDGER, "CountersTable": COUNTERS}
    stack = SimpleNamespace(is_local=True, output=tables.__getitem__)
    monkeypatch.setattr(Stack, "find", lambda *_: stack)
    monkeypatch.setattr(decisions, "dynamodb", lambda _: known.memory)
    monkeypatch.setattr(decisions, "SystemClock", lambda: clock)
    return known


def shown(*arguments: str) -> str:
    """What the command prints. Raises the ``Problem`` that it ends in."""
    result = RUNNER.invoke(decisions.app, ["--caller", "alice", *arguments])
    if isinstance(result.exception, Problem):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.row("B10")
def test_the_latest_come_first_and_are_the_callers_own(ledger: InMemoryLedger) -> None:
    for number in (1, 2, 3):
        ledger.record(entry(number, prompt="[]" if number == 2 else None))
    ledger.record(entry(4, caller="mallory"))
    rows = [json.loads(line) for line in shown("--json").splitlines()]
    assert [row["request_id"] for row in rows] == ["req_3", "req_2", "req_1"]
    assert [json.loads(line)["request_id"] for line in shown("--json", "--limit", "1").splitlines()] == ["req_3"]
    listed = shown()
    assert listed.index("req_3") < listed.index("req_1")
    assert "mallory" not in listed


@pytest.mark.row("B10")
def test_they_can_be_of_one_model(ledger: InMemoryLedger) -> None:
    ledger.record(entry(1))
    ledger.record(entry(2, model="large"))
    assert [json.loads(line)["request_id"] for line in shown("--json", "--model", "large").splitlines()] == ["req_2"]


def test_what_is_past_its_time_is_not_there(ledger: InMemoryLedger) -> None:
    ledger.record(entry(1, opened_at_ms=samples.NOW_MS - 91 * DAY_S * 1_000))
    assert shown("--json") == ""
    assert "Nothing on record of alice" in shown()


@pytest.mark.row("E3")
def test_one_is_shown_with_all_there_is(ledger: InMemoryLedger) -> None:
    decision = samples.decision(samples.hop("small", 30), samples.hop("large", 70)).model_copy(
        update={"rejected": (Rejection(model="huge", reason="price", detail="too dear"),)}
    )
    failed = AttemptFacts(model="large", failure="RateLimited", message="slow down", latency_ms=4)
    known = entry(
        1,
        decision=decision,
        attempts=(failed, *entry(1).attempts),
        holds=(samples.hold(amount=100, label="microusd per day of caller alice"),),
        key_id="k7",
        conversation_id="c1",
        prompt='[{"text": "[b]hello[/b]"}]',
    )
    ledger.record(known)
    text = shown("req_1")
    for told in (
        "key k7",
        "c1",
        "200 after 9 ms",
        "42 micro-USD booked, 100 reserved at worst",
        "because",
        "not huge: price, too dear",
        "RateLimited: slow down",
        "small-2026",
        "microusd per day of caller alice",
        "2026-11-21 12:01:00",
        "[b]hello[/b]",
    ):
        assert told in text
    assert Entry.model_validate_json(shown("req_1", "--json")) == known


def test_a_replay_names_the_request_that_was_asked(ledger: InMemoryLedger) -> None:
    ledger.record(entry(2, attempts=(), decision=None, replay=Replay(by="idempotency", request_id="req_1", age_s=4)))
    assert "by idempotency: the reply of req_1, 4 s old" in shown("req_2")
    assert "(idempotency)" in shown()


def test_a_caller_has_only_their_own(ledger: InMemoryLedger) -> None:
    ledger.record(entry(1, caller="mallory"))
    with pytest.raises(Problem, match="alice has no decision req_1"):
        shown("req_1")
