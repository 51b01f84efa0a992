"""The reconciler's environment, read once."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    region: str
    ledger_table: str
    counters_table: str
    receipts_table: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises ``KeyError`` for a variable that is missing."""
        return cls(
            region=environ["AWS_REGION"],
            ledger_table=environ["LEDGER_TABLE"],
            counters_table=environ["COUNTERS_TABLE"],
            receipts_table=environ["RECEIPTS_TABLE"],
        )
