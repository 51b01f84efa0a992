"""What an adapter leaves behind of a reply, should nobody be there to take it."""

from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.ledger import AttemptFacts
from signalbox.contracts.model import Contract


class Receipt(Contract):
    """One billed call of ``request_id``. ``reply`` only where the request has an idempotency key to find it by."""

    receipt: str  # the partition: the caller, then what finds it
    request_id: str
    attempt: AttemptFacts
    reply: AdapterReply | None = None
