"""Wires the steps to AWS, once per process and only when first needed."""

import os
from dataclasses import dataclass
from functools import cache

from cascade.settings import Settings
from signalbox.adapters.clock import SystemClock
from signalbox.adapters.keys import KeySource, SecretKey
from signalbox.conversations.bodies import S3Bodies
from signalbox.execution.cascade.work import Tools
from signalbox.execution.lambda_invoker import LambdaInvoker
from signalbox.execution.ports import Ledger, Receipts, Replies
from signalbox.health.store import DynamoHealth
from signalbox.ledger.store import DynamoLedger
from signalbox.policy.load import load_resource
from signalbox.receipts.dynamo import DynamoReceipts
from signalbox.replies.dynamo import DynamoReplies
from signalbox.transport.aws import service_url
from signalbox.transport.dynamodb import DynamoDB

DAY_S, HOUR_S = 86_400, 3_600


@dataclass(frozen=True)
class Services:
    """``tools`` for the steps that ask models, the rest for keeping, settling and telling."""

    tools: Tools
    replies: Replies
    ledger: Ledger
    receipts: Receipts
    webhook_secret: KeySource


@cache
def services() -> Services:
    """Raises ``PolicyInvalid`` when the shipped policy is damaged, ``KeyError`` for a variable that is missing."""
    return wire(Settings.read(os.environ))


def wire(known: Settings) -> Services:
    """Every port over AWS, as ``known`` names it."""
    policy, clock = load_resource(), SystemClock()
    dynamodb = DynamoDB(known.region, service_url("dynamodb", known.region))
    keep = policy.retention
    return Services(
        tools=Tools(
            policy=policy,
            invoker=LambdaInvoker(known.adapter_prefix, known.region, service_url("lambda", known.region)),
            clock=clock,
            health=DynamoHealth(dynamodb, known.counters_table, policy.health, policy.gates, clock),
        ),
        replies=DynamoReplies(
            dynamodb, known.replies_table, S3Bodies(known.bodies_bucket), keep.replies_hours * HOUR_S, clock
        ),
        ledger=DynamoLedger(
            dynamodb, known.ledger_table, known.counters_table, keep.ledger_days * DAY_S, keep.text_days * DAY_S, clock
        ),
        receipts=DynamoReceipts(dynamodb, known.receipts_table),
        webhook_secret=SecretKey(known.webhook_secret_arn),
    )
