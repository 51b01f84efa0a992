"""What stays the same from request to request."""

from dataclasses import dataclass

from signalbox.execution.ports import (
    Clock,
    Collections,
    Conversations,
    Health,
    Invoker,
    KeptReceipts,
    Ledger,
    Machine,
    Once,
    Replies,
)
from signalbox.policy.resolved import Policy
from signalbox.pricing.table import PriceTable


@dataclass(frozen=True)
class Services:
    """The policy, the prices and every port."""

    policy: Policy
    prices: PriceTable
    invoker: Invoker
    clock: Clock
    health: Health
    ledger: Ledger
    conversations: Conversations
    once: Once
    receipts: KeptReceipts
    replies: Replies
    machine: Machine
    collections: Collections
