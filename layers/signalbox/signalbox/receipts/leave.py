"""An adapter's last act before it answers: what the provider will bill is on record, whoever is left to hear it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from signalbox.adapters.clock import Clock, SystemClock
from signalbox.contracts.adapters import AdapterReply, AdapterRequest
from signalbox.receipts.item import KEEP_S, receipt_item
from signalbox.transport.dynamodb import DynamoDB
from signalbox.transport.within import within

# The router waits half a second beyond the deadline, so this much is always there.
SHORTEST_MS, LONGEST_MS = 400, 1_000


@dataclass(frozen=True)
class ReceiptBook:
    """Receipts into ``table``. ``lost`` is told why one could not be left (the error's type, nothing of the text)."""

    dynamodb: DynamoDB
    table: str
    lost: Callable[[str], None]
    keep_s: int = KEEP_S
    clock: Clock = field(default_factory=SystemClock)

    def leave(self, request: AdapterRequest, reply: AdapterReply) -> None:
        """Leave what ``reply`` was billed under the request's receipt, where it names one. Raises nothing.

        Twice is once: the same attempt is the same item.
        """
        if request.receipt is None:
            return
        now_ms = self.clock.now_ms()
        limit_ms = max(SHORTEST_MS, min(LONGEST_MS, request.deadline_at_ms - now_ms))
        try:
            item = receipt_item(request, reply, now_ms, self.keep_s)
            within(limit_ms, lambda: self.dynamodb.put(self.table, item))
        except Exception as error:  # noqa: BLE001 - a reply that was paid for is worth more than its receipt
            self.lost(type(error).__name__)
