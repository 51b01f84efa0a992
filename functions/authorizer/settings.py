"""What the authorizer is told by its environment, read once."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """A dataclass, not a pydantic model: pydantic would be this function's only use of it, at 0.2 s a cold start.

    The ``jwt_*`` fields are empty where JWTs are switched off.
    """

    region: str
    callers_table: str
    jwt_issuer: str
    jwt_audience: str
    jwt_jwks_url: str
    jwt_secret_arn: str
    jwt_usage_key: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises ``KeyError`` without AWS_REGION or CALLERS_TABLE, ``ValueError`` for JWT settings that would check
        too little."""
        settings = cls(
            region=environ["AWS_REGION"],
            callers_table=environ["CALLERS_TABLE"],
            jwt_issuer=environ.get("JWT_ISSUER", ""),
            jwt_audience=environ.get("JWT_AUDIENCE", ""),
            jwt_jwks_url=environ.get("JWT_JWKS_URL", ""),
            jwt_secret_arn=environ.get("JWT_SECRET_ARN", ""),
            jwt_usage_key=environ.get("JWT_USAGE_KEY", ""),
        )
        if settings.accepts_tokens and not (settings.jwt_issuer and settings.jwt_audience):
            raise ValueError("JWT_ISSUER and JWT_AUDIENCE must both be set where JWTs are accepted")
        return settings

    @property
    def accepts_tokens(self) -> bool:
        return bool(self.jwt_jwks_url or self.jwt_secret_arn)
