"""DynamoDB and S3 as MiniStack has them, with the tables that the template declares. Each test gets its own."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx

from signalbox.transport.dynamodb import DynamoDB
from signalbox.transport.sigv4 import Keys
from workbench.local.ministack import CREDENTIALS, REGION, ministack
from workbench.local.processes import free_port

# As template.yaml declares them (tests/unit/shape compares the two): partition key, sort key, indexes.
TABLES: dict[str, tuple[tuple[str, str], ...]] = {
    "Conversations": (("conversation", "S"), ("item", "S")),
    "Idempotency": (("id", "S"),),
    "Ledger": (("caller", "S"), ("request_id", "S")),
    "Counters": (("counter", "S"), ("window", "S")),
    "Receipts": (("receipt", "S"), ("attempt", "S")),
    "Callers": (("key_hash", "S"),),
    "Replies": (("reply", "S"), ("item", "S")),
}
INDEXES: dict[str, dict[str, tuple[tuple[str, str], ...]]] = {
    "Ledger": {"leases": (("lease_shard", "S"), ("lease_ends_at_ms", "N"))},
}


@dataclass(frozen=True)
class Stores:
    """``dynamodb`` is the product's own client; ``boto`` makes the official ones, to look behind it."""

    url: str
    dynamodb: DynamoDB

    def boto(self, service: str) -> Any:
        make: Any = boto3.client  # the stubs know services by literal names
        return make(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    def table(self, name: str) -> str:
        """A new, empty table of the kind ``name``; gives its own name."""
        table = f"{name}-{uuid.uuid4().hex[:8]}"
        indexes = INDEXES.get(name, {})
        keys = TABLES[name]
        attributes = dict([*keys, *(key for index in indexes.values() for key in index)])
        secondary = [
            {"IndexName": index, "KeySchema": _schema(of), "Projection": {"ProjectionType": "KEYS_ONLY"}}
            for index, of in indexes.items()
        ]
        self.boto("dynamodb").create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=_schema(keys),
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in attributes.items()],
            **({"GlobalSecondaryIndexes": secondary} if secondary else {}),
        )
        return table

    def bucket(self) -> str:
        """A new, empty bucket; gives its name."""
        name = f"bodies-{uuid.uuid4().hex[:8]}"
        self.boto("s3").create_bucket(Bucket=name)
        return name


def _schema(keys: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for (name, _), kind in zip(keys, ("HASH", "RANGE"), strict=False)]


def aws_keys() -> Keys:
    return Keys(CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"])


@contextmanager
def running_stores(log: Path) -> Iterator[Stores]:
    """MiniStack for as long as the block runs."""
    with ministack(free_port(), log) as url, httpx.Client() as client:
        yield Stores(url, DynamoDB(REGION, url, aws_keys, lambda: client))
