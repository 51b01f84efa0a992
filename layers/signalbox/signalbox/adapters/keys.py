"""Where a provider's key comes from."""

import re
from typing import Protocol

# What the template puts into a new secret, and what a server that asks for no key is given.
UNSET = ("", "unset")
NO_KEY = "none"
_MAX_AGE_S = 300


class KeyUnavailable(Exception):
    """There is no key to send. The message names the secret to set, never a value."""


class KeySource(Protocol):
    """Hands out the key to send."""

    def key(self, *, fresh: bool) -> str | None:
        """The key, or None for a server that asks for none. ``fresh`` passes by every cache.

        Raises ``KeyUnavailable``.
        """


class SecretKey:
    """The key in one Secrets Manager secret, kept for five minutes by Powertools."""

    def __init__(self, arn: str) -> None:
        self._arn = arn

    def key(self, *, fresh: bool) -> str | None:
        """See ``KeySource``."""
        # boto3 comes with it; an adapter that is only being started must not pay for that.
        from aws_lambda_powertools.utilities.parameters import get_secret
        from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

        try:
            value = str(get_secret(self._arn, max_age=_MAX_AGE_S, force_fetch=fresh)).strip()
        except GetParameterError as error:
            raise KeyUnavailable(f"the secret {self.name} cannot be read ({_cause(error)})") from None
        if value in UNSET:
            raise KeyUnavailable(f"no key is set: put the provider's key into the secret {self.name}")
        return None if value == NO_KEY else value

    @property
    def name(self) -> str:
        """The secret's name: its ARN without account, region and the six random characters."""
        return re.sub(r"-\w{6}$", "", self._arn.rsplit(":", 1)[-1])


def _cause(error: Exception) -> str:
    """The AWS error's code; its message may name accounts and roles."""
    found = re.search(r"\((\w+)\) when calling", str(error))
    return found[1] if found else type(error.__cause__ or error).__name__
