"""The ledger in memory: the product's own, over a DynamoDB that is not there."""

from collections.abc import Callable

from signalbox.contracts.ledger import Entry
from signalbox.execution.ports import Clock
from signalbox.ledger.store import DynamoLedger
from tests.builders import FakeClock
from tests.fakes.dynamodb import Fault, InMemoryDynamoDB

LEDGER, COUNTERS = "Ledger", "Counters"
KEYS = {LEDGER: ("caller", "request_id"), COUNTERS: ("counter", "window")}
INDEXES = {(LEDGER, "leases"): ("lease_shard", "lease_ends_at_ms")}
DAY_S = 86_400


class InMemoryLedger(DynamoLedger):
    """``entries`` has what is on record; ``counters`` what is committed, by counter and window."""

    def __init__(self, clock: Clock | None = None, faults: Callable[[], Fault | None] = lambda: None) -> None:
        self.memory = InMemoryDynamoDB(KEYS, INDEXES, faults)
        super().__init__(self.memory, LEDGER, COUNTERS, 90 * DAY_S, 7 * DAY_S, clock or FakeClock())

    @property
    def entries(self) -> list[Entry]:
        """All of them with their text, oldest request id of a caller first."""
        keys = [(one["caller"], one["request_id"]) for one in self.memory.items(LEDGER) if "entry" in one]
        return [entry for caller, request_id in keys if (entry := self.get(caller, request_id))]

    @property
    def counters(self) -> dict[tuple[str, str], int]:
        return {(one["counter"], one["window"]): one["committed"] for one in self.memory.items(COUNTERS)}
