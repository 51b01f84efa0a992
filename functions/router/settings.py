"""The router's environment, read once."""

import os
from functools import cache

from signalbox.contracts.model import Contract


class Settings(Contract):
    """``adapter_prefix`` + roster id names the Lambda that serves a model; the rest names tables and a bucket."""

    adapter_prefix: str
    region: str
    conversations_table: str
    idempotency_table: str
    ledger_table: str
    counters_table: str
    receipts_table: str
    replies_table: str
    bodies_bucket: str
    collections_bucket: str
    cascade_arn: str


@cache
def settings() -> Settings:
    """Raises ``KeyError`` for a variable that is missing."""
    names = [name for name in Settings.model_fields if name != "region"]
    return Settings(region=os.environ["AWS_REGION"], **{name: os.environ[name.upper()] for name in names})
