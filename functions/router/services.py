"""Wires the router to AWS, once per process and only when first needed."""

from functools import cache

from router.settings import Settings, settings
from signalbox.adapters.clock import SystemClock
from signalbox.conversations.bodies import S3Bodies
from signalbox.conversations.dynamo import DynamoConversations
from signalbox.execution.lambda_invoker import LambdaInvoker
from signalbox.execution.serve import forgetting
from signalbox.execution.services import Services
from signalbox.health.store import DynamoHealth
from signalbox.idempotency.once import PowertoolsOnce
from signalbox.ledger.store import DynamoLedger
from signalbox.machine.step_functions import StepFunctionsMachine
from signalbox.policy.load import load_resource
from signalbox.pricing.table import load_prices
from signalbox.receipts.dynamo import DynamoReceipts
from signalbox.replies.dynamo import DynamoReplies
from signalbox.retrieval.collections import PolicyCollections
from signalbox.transport.aws import service_url
from signalbox.transport.dynamodb import DynamoDB

DAY_S, HOUR_S = 86_400, 3_600


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

    keep = policy.retention
    replies = DynamoReplies(dynamodb, known.replies_table, bodies, keep.replies_hours * HOUR_S, clock)
    forget = forgetting(once, receipts.erase, replies.erase)
    machine = StepFunctionsMachine(
        known.cascade_arn,
        known.region,
        service_url("states", known.region),
        service_url("sync-states", known.region),
    )
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
        replies=replies,
        machine=machine,
        collections=PolicyCollections(policy.collections, known.collections_bucket, known.region),
    )
