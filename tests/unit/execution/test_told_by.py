"""Which receipt tells of which attempt."""

import pytest

from signalbox.contracts.ledger import AttemptFacts, Entry
from signalbox.contracts.receipts import Receipt
from signalbox.execution.entries import told_by


def receipt(attempt: str, cost_microusd: int, request_id: str = "r1") -> Receipt:
    facts = AttemptFacts(model="m", attempt=attempt, cost_microusd=cost_microusd)
    return Receipt(receipt="alice#r1", request_id=request_id, attempt=facts)


@pytest.mark.row("E2")
def test_a_receipt_is_of_its_own_call_and_request() -> None:
    """One model may be called several times for one request, and a key's requests share their receipts."""
    unheard = [
        AttemptFacts(model="m", attempt=name, failure="DeadlineExceeded", may_be_billed=True) for name in ("", "verify")
    ]
    entry = Entry(caller="alice", request_id="r1", path="/v1/infer", opened_at_ms=0, attempts=tuple(unheard))
    told = told_by(entry, [receipt("verify", 5), receipt("", 9, request_id="r0"), receipt("escalate", 7)])
    assert [one.cost_microusd for one in told.attempts] == [0, 5]
    assert [one.cost_microusd for one in told_by(entry, [receipt("", 3)]).attempts] == [3, 0]
