"""Signalbox's own API keys: how they look, what is stored of them, how one is issued.

A key is ``sb_<key id>_<secret>``. The secret is 32 random bytes, so one round of SHA-256 is the
right hash: there is nothing to guess, and slow password hashes would only slow the caller down.
"""

import hashlib
import re
import secrets
import string
import time
from dataclasses import dataclass
from typing import Literal, Protocol

KEY_PREFIX = "sb_"
TIERS = ("standard", "premium")
DEFAULT_TIER = "standard"

KeyState = Literal["active", "revoked"]

_KEY_ID_ALPHABET = string.ascii_lowercase + string.digits
_KEY = re.compile(r"sb_[a-z0-9]{10}_[A-Za-z0-9_-]{43}")
# What keys and JWTs may call someone. Stored keys join a caller with "#", so it cannot be part of one.
_CALLER = re.compile(r"[A-Za-z0-9._@:|/+=-]{1,128}")
# What a JWT's caller begins with and a key's cannot: whoever names subjects at the identity provider names
# nobody who has a key.
JWT_CALLERS = "jwt:"


@dataclass(frozen=True)
class CallerKey:
    """What is stored of one key; never the key itself.

    Times are Unix seconds; ``expires_at`` None never expires. ``usage_key`` is the value of the
    API Gateway key whose usage plan throttles this one.
    """

    key_hash: str  # SHA-256, hex
    key_id: str
    caller: str
    tier: str
    state: KeyState
    created_at: int
    usage_key: str
    expires_at: int | None = None


class KeyStoreUnavailable(Exception):
    """The store did not answer. Nobody may be let in on the strength of it."""


class KeyLookup(Protocol):
    """Finds a key by its hash."""

    def get(self, key_hash: str) -> CallerKey | None:
        """The record, None when there is none. Raises ``KeyStoreUnavailable``."""


class KeyStore(KeyLookup, Protocol):
    """Where keys are kept. Every method may raise ``KeyStoreUnavailable``."""

    def put(self, record: CallerKey) -> None:
        """Store a new key. Raises ``ValueError`` when its hash is taken."""

    def list(self) -> tuple[CallerKey, ...]:
        """Every key, oldest first."""

    def revoke(self, key_id: str) -> CallerKey | None:
        """Revoke for good; the record as it is then, None when there is no such key."""


def hash_key(plain_key: str) -> str:
    return hashlib.sha256(plain_key.encode()).hexdigest()


def is_well_formed(plain_key: str) -> bool:
    return _KEY.fullmatch(plain_key) is not None


def is_caller_name(name: object) -> bool:
    return isinstance(name, str) and _CALLER.fullmatch(name) is not None


def issue_key(
    store: KeyStore, caller: str, tier: str = DEFAULT_TIER, expires_at: int | None = None
) -> tuple[str, CallerKey]:
    """A new key for ``caller``: its text, which nobody can read again, and what was stored.

    ``expires_at`` is Unix seconds. Raises ``ValueError`` for a name or tier that cannot be; names that begin
    with ``jwt:`` belong to JWTs.
    """
    if not is_caller_name(caller):
        raise ValueError("a caller's name is 1 to 128 letters, digits or . _ @ : | / + = -")
    if caller.startswith(JWT_CALLERS):
        raise ValueError(f"a caller's name that begins with {JWT_CALLERS} is that of a JWT")
    if tier not in TIERS:
        raise ValueError(f"no tier {tier!r}; there are {', '.join(TIERS)}")
    key_id = "".join(secrets.choice(_KEY_ID_ALPHABET) for _ in range(10))
    plain_key = f"{KEY_PREFIX}{key_id}_{secrets.token_urlsafe(32)}"
    record = CallerKey(
        key_hash=hash_key(plain_key),
        key_id=key_id,
        caller=caller,
        tier=tier,
        state="active",
        created_at=int(time.time()),
        usage_key=secrets.token_hex(20),
        expires_at=expires_at,
    )
    store.put(record)
    return plain_key, record
