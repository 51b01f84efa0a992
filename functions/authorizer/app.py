"""Names the caller behind every request: a Signalbox key or a JWT, or nobody.

No credential: ``Exception("Unauthorized")``, which API Gateway turns into its UNAUTHORIZED
response. A wrong one: a policy that denies. A store that fails: an error, never a way in.
"""

import os
from functools import cache
from typing import Any

from aws_lambda_powertools.logging import Logger

from authorizer.answer import allow, deny
from authorizer.settings import Settings
from signalbox.callers.authenticate import Authenticator
from signalbox.callers.cache import CachedKeys
from signalbox.callers.dynamodb import DynamoKeyStore
from signalbox.callers.tokens import TokenSettings, TokenVerifier
from signalbox.transport.aws import service_url
from signalbox.transport.dynamodb import DynamoDB

SECRET_MAX_AGE_S = 300

logger = Logger(service="authorizer")


@cache
def authenticator() -> Authenticator:
    """One per process, so that its caches last from request to request."""
    settings = Settings.read(os.environ)
    keys = CachedKeys(DynamoKeyStore(dynamodb(settings.region), settings.callers_table))
    return Authenticator(keys, _token_verifier(settings), settings.jwt_usage_key)


def dynamodb(region: str) -> DynamoDB:
    return DynamoDB(region, service_url("dynamodb", region))


def _token_verifier(settings: Settings) -> TokenVerifier | None:
    if not settings.accepts_tokens:
        return None

    def secret() -> str:
        from aws_lambda_powertools.utilities.parameters import get_secret

        return str(get_secret(settings.jwt_secret_arn, max_age=SECRET_MAX_AGE_S))

    return TokenVerifier(
        TokenSettings(
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            jwks_url=settings.jwt_jwks_url,
            hs256_secret=secret if settings.jwt_secret_arn else None,
        )
    )


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The policy for one REQUEST authorizer event."""
    try:
        verdict = authenticator().authenticate(event.get("headers") or {})
    except Exception as error:  # noqa: BLE001 - whatever it is, nobody gets in
        # Type only: a library's message might quote what was sent.
        logger.error("authorization failed", outcome="error", error=type(error).__name__)
        raise RuntimeError("authorization failed") from None  # the runtime prints what escapes
    logger.info(
        "authorization",
        outcome=verdict.outcome,
        key_id=verdict.key_id,
        caller=verdict.identity.caller if verdict.identity else None,
    )
    if verdict.outcome == "missing":
        raise Exception("Unauthorized")  # the very words that API Gateway maps to 401
    if verdict.identity is None:
        return deny(event["methodArn"])
    return allow(verdict.identity, event["methodArn"])
