"""What adapters left behind, read again."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from signalbox.adapters.clock import Clock, SystemClock
from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.ledger import AttemptFacts
from signalbox.contracts.receipts import Receipt
from signalbox.transport.dynamodb import DynamoDB


@dataclass(frozen=True)
class DynamoReceipts:
    """See ``Receipts``. An expired item may lie in ``table`` for days more; it counts as gone."""

    dynamodb: DynamoDB
    table: str
    clock: Clock = field(default_factory=SystemClock)

    def find(self, receipt: str) -> tuple[Receipt, ...]:
        now_s = self.clock.now_ms() // 1_000
        found = self.dynamodb.query(self.table, "receipt = :receipt", {":receipt": receipt}, consistent=True)
        alive = [item for item in found if item["expires_at"] > now_s]
        return tuple(_receipt(item) for item in sorted(alive, key=lambda item: (item["left_at_ms"], item["attempt"])))

    def erase(self, receipt: str) -> None:
        """All of one partition is gone afterwards, the replies in it too. Raises ``StoreUnavailable``."""
        found = self.dynamodb.query(self.table, "receipt = :receipt", {":receipt": receipt}, consistent=True)
        for item in found:
            self.dynamodb.delete(self.table, {"receipt": receipt, "attempt": item["attempt"]})


def _receipt(item: Mapping[str, Any]) -> Receipt:
    reply = AdapterReply.model_validate_json(gzip.decompress(item["reply"])) if "reply" in item else None
    request_id, _, rest = item["attempt"].partition("#")
    facts = AttemptFacts.model_validate_json(item["facts"])
    return Receipt(
        receipt=item["receipt"],
        request_id=request_id,
        attempt=facts.model_copy(update={"attempt": rest.partition("#")[2]}),
        reply=reply,
    )
