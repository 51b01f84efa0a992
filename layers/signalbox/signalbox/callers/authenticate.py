"""From a request's headers to the caller behind them."""

import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from signalbox.callers.keys import (
    DEFAULT_TIER,
    JWT_CALLERS,
    KEY_PREFIX,
    TIERS,
    CallerKey,
    KeyLookup,
    hash_key,
    is_caller_name,
    is_well_formed,
)
from signalbox.callers.tokens import BadToken, TokenVerifier

JWT_KEY_ID = "jwt"

Outcome = Literal["allowed", "missing", "malformed", "unknown", "revoked", "expired", "bad_token"]


@dataclass(frozen=True)
class Identity:
    """Who is calling: the name a key was issued to, or ``jwt:`` and a token's subject.

    ``usage_key`` is the API Gateway key whose limits hold, empty for none.
    """

    caller: str
    tier: str
    key_id: str
    usage_key: str


@dataclass(frozen=True)
class Verdict:
    """``identity`` only when allowed. ``key_id`` is that of a stored key, never of an invented one."""

    outcome: Outcome
    identity: Identity | None = None
    key_id: str | None = None


def credential(headers: Mapping[str, str]) -> str | None:
    """The key or token that was sent: ``Authorization: Bearer``, else ``x-api-key``, else None.

    Header names in any case. An ``Authorization`` of another scheme is a credential too, a wrong one,
    unless ``x-api-key`` is there beside it.
    """
    lowered = {name.lower(): value.strip() for name, value in headers.items()}
    scheme, _, bearer = lowered.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer.strip():
        return bearer.strip()
    if lowered.get("x-api-key"):
        return lowered["x-api-key"]
    return scheme if scheme and scheme.lower() != "bearer" else None


class Authenticator:
    """Decides who sent a credential. ``tokens`` None: JWTs are switched off."""

    def __init__(
        self,
        keys: KeyLookup,
        tokens: TokenVerifier | None = None,
        token_usage_key: str = "",
        clock_s: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._token_usage_key = token_usage_key
        self._clock_s = clock_s

    def authenticate(self, headers: Mapping[str, str]) -> Verdict:
        """The verdict on the credential in ``headers``.

        Raises ``KeyStoreUnavailable`` or ``IdentityProviderUnavailable`` when nothing can be said.
        """
        sent = credential(headers)
        if sent is None:
            return Verdict("missing")
        if sent.startswith(KEY_PREFIX):
            return self._by_key(sent)
        if sent.count(".") == 2:
            return self._by_token(sent)
        return Verdict("malformed")

    def _by_key(self, plain_key: str) -> Verdict:
        if not is_well_formed(plain_key):
            return Verdict("malformed")
        key_hash = hash_key(plain_key)
        record = self._keys.get(key_hash)
        if record is None or not hmac.compare_digest(record.key_hash, key_hash):
            return Verdict("unknown")
        if record.state != "active":
            return Verdict("revoked", key_id=record.key_id)
        if record.expires_at is not None and record.expires_at <= self._clock_s():
            return Verdict("expired", key_id=record.key_id)
        return Verdict("allowed", _identity(record), record.key_id)

    def _by_token(self, token: str) -> Verdict:
        if self._tokens is None:
            return Verdict("bad_token")
        try:
            claims = self._tokens.claims(token)
        except BadToken:
            return Verdict("bad_token")
        caller = f"{JWT_CALLERS}{claims['sub']}"
        if not is_caller_name(claims["sub"]) or not is_caller_name(caller):
            return Verdict("bad_token")
        tier = claims.get("tier")
        identity = Identity(
            caller=caller,
            tier=tier if tier in TIERS else DEFAULT_TIER,
            key_id=JWT_KEY_ID,
            usage_key=self._token_usage_key,
        )
        return Verdict("allowed", identity, JWT_KEY_ID)


def _identity(record: CallerKey) -> Identity:
    return Identity(record.caller, record.tier, record.key_id, record.usage_key)
