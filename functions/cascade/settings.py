"""The cascade function's environment, read once."""

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Settings:
    """``adapter_prefix`` + roster id names the Lambda that serves a model; the rest names tables, bucket and secret."""

    region: str
    adapter_prefix: str
    ledger_table: str
    counters_table: str
    receipts_table: str
    replies_table: str
    bodies_bucket: str
    webhook_secret_arn: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises ``KeyError`` for a variable that is missing."""
        named = {one.name: environ[one.name.upper()] for one in fields(cls) if one.name != "region"}
        return cls(region=environ["AWS_REGION"], **named)
