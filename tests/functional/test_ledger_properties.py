"""The same machine as in tests/unit/ledger, on a real DynamoDB: what keeps the one in memory honest."""

from dataclasses import fields
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from signalbox.ledger.store import DynamoLedger
from signalbox.transport.dynamodb import DynamoDB
from signalbox.transport.exchange import Answer
from tests.builders import FakeClock
from tests.fakes.machine import Faults, LedgerMachine
from tests.functional.stores import Stores


class Faulty(DynamoDB):
    """Loses what ``faults`` says, on the way there or on the way back."""

    faults: Faults

    def _post(self, operation: str, body: bytes) -> Answer:
        fault = self.faults()
        if fault == "lost":
            raise httpx.ConnectError("lost")
        answer = super()._post(operation, body)
        if fault == "unanswered":
            raise httpx.ReadError("unanswered")
        return answer


@pytest.fixture
def machine(stores: Stores) -> type[LedgerMachine]:
    class OnDynamoDB(LedgerMachine):
        def make(self, clock: FakeClock, faults: Faults) -> DynamoLedger:
            self.table = stores.table("Counters")
            known = {one.name: getattr(stores.dynamodb, one.name) for one in fields(DynamoDB)}
            store = Faulty(**{**known, "sleep_s": lambda _: None})
            store.__dict__["faults"] = faults
            return DynamoLedger(store, stores.table("Ledger"), self.table, 7_776_000, 604_800, clock)

        def counters(self) -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = []
            for name in ("global", "caller#alice", "caller#bob", "model#small", "model#large"):
                key = {"#counter": "counter"}
                found += stores.dynamodb.query(
                    self.table, "#counter = :name", {":name": name}, names=key, consistent=True
                )
            return found

    return OnDynamoDB


@pytest.mark.row("E2")
def test_limits_bind_and_the_books_are_right(machine: type[LedgerMachine]) -> None:
    few = settings(
        max_examples=12,
        stateful_step_count=15,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=few)
