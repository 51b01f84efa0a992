"""Every minute: ends the entries whose lease is over, by their receipts or at their worst price."""

import os
import time
from functools import cache
from typing import Protocol

from aws_lambda_powertools.logging import Logger

from governance.reconcile.settings import Settings
from signalbox.execution.ports import Receipts
from signalbox.ledger.books import Books
from signalbox.ledger.reconcile import reconcile
from signalbox.receipts.dynamo import DynamoReceipts
from signalbox.telemetry.metrics import emit
from signalbox.transport.aws import service_url
from signalbox.transport.dynamodb import DynamoDB

# What is begun with less than this may not be finished; the next minute does it.
MARGIN_MS = 10_000

logger = Logger(service="reconcile")


class SystemClock:
    """The time of day."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class Context(Protocol):
    """What is asked of a Lambda context."""

    def get_remaining_time_in_millis(self) -> int: ...


@cache
def stores() -> tuple[Books, Receipts]:
    """One of each per process."""
    known = Settings.read(os.environ)
    dynamodb = DynamoDB(known.region, service_url("dynamodb", known.region))
    books = Books(dynamodb, known.ledger_table, known.counters_table, SystemClock())
    return books, DynamoReceipts(dynamodb, known.receipts_table)


def handler(_event: object, context: Context) -> dict[str, int]:
    """How many entries were recovered, orphaned, and failed. Raises ``StoreUnavailable``."""

    def failed(request_id: str, error: Exception) -> None:
        # Type only: a library's message might quote what was stored.
        logger.error("not reconciled", request_id=request_id, error=type(error).__name__)

    books, receipts = stores()
    done = reconcile(
        books,
        receipts,
        SystemClock().now_ms(),
        in_time=lambda: context.get_remaining_time_in_millis() > MARGIN_MS,
        failed=failed,
    )
    told = {"recovered": done.recovered, "orphaned": done.orphaned, "failed": done.failed}
    logger.info("reconciled", extra={**told, "unfinished": done.unfinished})
    emit("reconcile", {}, told, {})
    return told
