"""What an adapter's environment says, read once."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class AdapterSettings:
    """``base_url`` is empty where the provider's own endpoint is meant; ``secret_arn`` where it needs no key;
    ``receipts_table`` where no receipts are left."""

    roster_model: str
    base_url: str = ""
    secret_arn: str = ""
    receipts_table: str = ""
    region: str = ""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "AdapterSettings":
        """Raises ``KeyError`` when the model that this function serves is not named."""
        return cls(
            roster_model=environment["ROSTER_MODEL"],
            base_url=environment.get("PROVIDER_BASE_URL", "").rstrip("/"),
            secret_arn=environment.get("PROVIDER_SECRET_ARN", ""),
            receipts_table=environment.get("RECEIPTS_TABLE", ""),
            region=environment.get("AWS_REGION", ""),
        )
