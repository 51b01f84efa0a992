"""``signalbox decisions`` against a real DynamoDB."""

import json
import time

import pytest
from typer.testing import CliRunner

from signalbox.ledger.store import DynamoLedger
from tests.builders import FakeClock
from tests.functional.stores import Stores
from tests.unit.quotas import samples
from workbench.commands import decisions
from workbench.stack import Stack

MANY = 130  # entries of 10 KB and more: two pages of a query


@pytest.mark.row("B10")
def test_the_command_reads_back_what_the_ledger_wrote(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {"LedgerTable": stores.table("Ledger"), "CountersTable": stores.table("Counters")}
    now_ms = time.time_ns() // 1_000_000
    names = tables["LedgerTable"], tables["CountersTable"]
    ledger = DynamoLedger(stores.dynamodb, *names, 86_400, 86_400, FakeClock(now_ms))
    decision = samples.decision(samples.hop("small")).model_copy(update={"reasons": ("x" * 10_000,)})
    for number in range(MANY):
        entry = samples.entry(request_id=f"req_{number:03}", opened_at_ms=now_ms, decision=decision, state="settled")
        ledger.record(entry.model_copy(update={"prompt": "[]"} if number == MANY - 1 else {}))
    stack = Stack("a-stack", stores.url, "us-east-1")
    stack.__dict__["outputs"] = tables  # CloudFormation has no part in this
    monkeypatch.setattr(Stack, "find", lambda *_: stack)

    def shown(*arguments: str) -> str:
        result = CliRunner().invoke(decisions.app, ["--caller", "alice", "--json", *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    listed = [json.loads(line)["request_id"] for line in shown("--limit", "1000").splitlines()]
    assert listed == [f"req_{number:03}" for number in reversed(range(MANY))]
    one = json.loads(shown(listed[0]))
    assert (one["request_id"], one["prompt"], one["state"]) == (listed[0], "[]", "settled")
