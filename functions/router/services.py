"""Wires the router to AWS, once per process and only when first needed."""

import time
from functools import cache

from router.settings import Settings, settings
from signalbox.conversations.bodies import S3Bodies
from signalbox.conversations.dynamo import DynamoConversations
from signalbox.execution.lambda_invoker import LambdaInvoker
from signalbox.execution.serve import forgetting
from signalbox.execution.services import Services
from signalbox.health.store import DynamoHealth
from signalbox.idempotency.once import PowertoolsOnce
from signalbox.ledger.store import DynamoLedger
from signalbox.policy.load import load_resource
from signalbox.pricing.table import load_prices
from signalbox.receipts.dynamo import DynamoReceipts
from signalbox.transport.aws import service_url
from signalbox.transport.dynamodb import DynamoDB

DAY_S = 86_400


class SystemClock:
    """The time of day."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


@cache
def services() -> Services:
    """Raises ``PolicyInvalid`` when the shipped policy is damaged: better no router than a wrong one."""
    return wire(settings())


def wire(known: Settings) -> Services:
    """Every port over AWS, as ``known`` names it."""
    policy, clock = load_resource(), SystemClock()
    dynamodb = DynamoDB(known.region, service_url("dynamodb", known.region))
    bodies = S3Bodies(known.bodies_bucket)
    once = PowertoolsOnce(dynamodb, known.idempotency_table, bodies)
    receipts = DynamoReceipts(dynamodb, known.receipts_table)

    forget = forgetting(once, receipts.erase)
    keep = policy.retention
    return Services(
        policy=policy,
        prices=load_prices(),
        invoker=LambdaInvoker(known.adapter_prefix, known.region, service_url("lambda", known.region)),
        clock=clock,
        health=DynamoHealth(dynamodb, known.counters_table, policy.health, policy.gates, clock),
        ledger=DynamoLedger(
            dynamodb, known.ledger_table, known.counters_table, keep.ledger_days * DAY_S, keep.text_days * DAY_S, clock
        ),
        conversations=DynamoConversations(
            dynamodb, known.conversations_table, bodies, keep.conversations_days * DAY_S, forget, clock
        ),
        once=once,
        receipts=receipts,
    )
