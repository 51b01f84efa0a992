"""JWTs from the account's own identity provider: RS256 by JWKS, HS256 by a shared secret.

PyJWT is imported when the first JWT arrives; callers with keys never pay for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jwt import PyJWKClient

LEEWAY_S = 30
JWKS_TIMEOUT_S = 3
JWKS_MAX_AGE_S = 300
MIN_SECRET_BYTES = 32  # RFC 7518, 3.2; a shorter one, or none yet, could be guessed


class BadToken(Exception):
    """The token does not prove who is calling."""


class IdentityProviderUnavailable(Exception):
    """The keys that tokens are checked with could not be had, so nothing can be said of this one."""


@dataclass(frozen=True)
class TokenSettings:
    """``jwks_url`` switches RS256 on, ``hs256_secret`` (handing out the secret) HS256; neither, nothing."""

    issuer: str
    audience: str
    jwks_url: str = ""
    hs256_secret: Callable[[], str] | None = None


class TokenVerifier:
    """Checks signature, issuer, audience and times of a JWT.

    Each algorithm has a key of its own kind and no token can choose another: a public RSA key is
    never tried as an HMAC secret, and ``none`` is no algorithm at all.
    """

    def __init__(self, settings: TokenSettings) -> None:
        self._settings = settings

    def claims(self, token: str) -> dict[str, Any]:
        """The claims of a valid token. Raises ``BadToken``, ``IdentityProviderUnavailable``."""
        import jwt

        try:
            algorithm, key = self._key(jwt.get_unverified_header(token).get("alg"), token)
            return jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=self._settings.issuer,
                audience=self._settings.audience,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWKClientConnectionError:
            raise IdentityProviderUnavailable("the JWKS URL did not answer") from None
        except jwt.PyJWTError as error:
            raise BadToken(type(error).__name__) from None

    def _key(self, algorithm: object, token: str) -> tuple[str, Any]:
        if algorithm == "RS256" and self._settings.jwks_url:
            return "RS256", self._jwks.get_signing_key_from_jwt(token).key
        if algorithm == "HS256" and self._settings.hs256_secret is not None:
            secret = self._settings.hs256_secret()
            if len(secret.encode()) < MIN_SECRET_BYTES:
                raise IdentityProviderUnavailable(f"the HS256 secret is shorter than {MIN_SECRET_BYTES} bytes")
            return "HS256", secret
        raise BadToken("algorithm not accepted")

    @cached_property
    def _jwks(self) -> "PyJWKClient":
        from jwt import PyJWKClient

        return PyJWKClient(self._settings.jwks_url, lifespan=JWKS_MAX_AGE_S, timeout=JWKS_TIMEOUT_S)
