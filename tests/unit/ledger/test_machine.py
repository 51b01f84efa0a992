"""Under any interleaving of reserving, settling, crashing and expiring, limits bind and the books are right."""

from typing import Any

import pytest
from hypothesis import settings

from signalbox.ledger.store import DynamoLedger
from tests.builders import FakeClock
from tests.fakes.ledger import COUNTERS, InMemoryLedger
from tests.fakes.machine import Faults, LedgerMachine


class InMemoryMachine(LedgerMachine):
    def make(self, clock: FakeClock, faults: Faults) -> DynamoLedger:
        self.memory = InMemoryLedger(clock, faults)
        return self.memory

    def counters(self) -> list[dict[str, Any]]:
        return self.memory.memory.items(COUNTERS)


TestLedger = pytest.mark.row("E2")(InMemoryMachine.TestCase)
TestLedger.settings = settings(max_examples=150, stateful_step_count=30, deadline=None, database=None)
