"""``Receipts`` in memory, and an invoker whose adapters leave them."""

from dataclasses import dataclass, field

from signalbox.contracts.adapters import AdapterRequest, AdapterResult
from signalbox.contracts.ledger import AttemptFacts
from signalbox.contracts.receipts import Receipt
from signalbox.execution.ports import Invoker


@dataclass
class MemoryReceipts:
    """``left`` in the order in which they were."""

    left: list[Receipt] = field(default_factory=list)

    def find(self, receipt: str) -> tuple[Receipt, ...]:
        return tuple(one for one in self.left if one.receipt == receipt)

    def erase(self, receipt: str) -> None:
        self.left = [one for one in self.left if one.receipt != receipt]


@dataclass
class ReceiptingInvoker:
    """Leaves a receipt of every reply before it is handed on, as adapters do."""

    inner: Invoker
    receipts: MemoryReceipts

    def invoke(self, request: AdapterRequest) -> AdapterResult:
        result = self.inner.invoke(request)
        if request.receipt and (reply := result.reply):
            attempt = AttemptFacts(
                attempt=request.attempt,
                model=reply.model,
                model_version=reply.model_version,
                provider_request_id=reply.provider_request_id,
                usage=reply.usage,
                cost_microusd=reply.cost_microusd,
                latency_ms=reply.latency_ms,
            )
            kept = reply if request.keep_reply else None
            self.receipts.left.append(
                Receipt(receipt=request.receipt, request_id=request.request_id, attempt=attempt, reply=kept)
            )
        return result
