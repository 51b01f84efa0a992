"""Where a provider's key comes from."""

import json
import os
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import httpx
from pydantic import BaseModel, ValidationError

from signalbox.transport.aws import NoAwsKeys, ambient_keys, endpoint
from signalbox.transport.exchange import Answer, BrokenOff, TooLarge, shared_client
from signalbox.transport.json_call import JsonService, error_code
from signalbox.transport.sigv4 import Keys
from signalbox.transport.within import OutOfTime

# What the template puts into a new secret, and what a server that asks for no key is given.
UNSET = ("", "unset")
NO_KEY = "none"
MAX_AGE_S = 300
CALL_LIMIT_S = 5
LONGEST_PAUSE_S = 0.2
_SERVICE = JsonService("secretsmanager", "secretsmanager", "1.1", connect_limit_ms=2_000)
# The call may be made again after these; Secrets Manager sends the codes with status 400.
_PASSING_CODES = ("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded")
_LOST = (httpx.TransportError, BrokenOff)


class KeyUnavailable(Exception):
    """There is no key to send. The message names the secret to set, never a value."""


class KeySource(Protocol):
    """Hands out the key to send."""

    def key(self, *, fresh: bool) -> str | None:
        """The key, or None for a server that asks for none. ``fresh`` passes by every cache.

        Raises ``KeyUnavailable``.
        """


class _Secret(BaseModel):
    SecretString: str


@dataclass(frozen=True)
class _Kept:
    """A value and when it was asked for, in seconds of the monotonic clock."""

    value: str
    asked_at: float


class SecretKey:
    """The key in one Secrets Manager secret, kept for five minutes. Threads may share it.

    It is read by one signed POST over the client that the provider is called with: boto3 would
    be half of the cold start (docs/decisions/0003-secrets-without-boto3.md).
    """

    def __init__(
        self,
        arn: str,
        client: Callable[[], httpx.Client] = shared_client,
        aws_keys: Callable[[], Keys] = ambient_keys,
        clock: Callable[[], float] = time.monotonic,
        what: str = "the provider's key",
    ) -> None:
        self._arn, self._client, self._aws_keys, self._clock, self._what = arn, client, aws_keys, clock, what
        self._kept: _Kept | None = None
        self._storing = threading.Lock()

    def key(self, *, fresh: bool) -> str | None:
        """See ``KeySource``."""
        kept, now = self._kept, self._clock()
        value = kept.value if kept and not fresh and now - kept.asked_at < MAX_AGE_S else self._renewed(now)
        return None if value == NO_KEY else value

    @property
    def name(self) -> str:
        """The secret's name: its ARN without account, region and the six random characters."""
        return re.sub(r"-\w{6}$", "", self._arn.rsplit(":", 1)[-1])

    def _renewed(self, now: float) -> str:
        value = self._fetched().strip()
        if value in UNSET:
            # Not kept: whoever sets it now need not wait.
            raise KeyUnavailable(f"no key is set: put {self._what} into the secret {self.name}")
        with self._storing:
            # A call that was given up may end after a later one, and with an older value.
            if self._kept is None or self._kept.asked_at <= now:
                self._kept = _Kept(value, now)
        return value

    def _fetched(self) -> str:
        try:
            answer = self._answer(time.monotonic() + CALL_LIMIT_S)
            if answer.status != 200:
                raise self._unreadable(error_code(answer))
            return _Secret.model_validate_json(answer.body).SecretString
        except NoAwsKeys as error:
            raise self._unreadable(str(error)) from None
        except ValidationError:
            raise self._unreadable("it holds no text") from None
        except (*_LOST, httpx.HTTPError, httpx.InvalidURL, TooLarge, OutOfTime) as error:
            raise self._unreadable(type(error).__name__) from None

    def _answer(self, ends_at: float) -> Answer:
        """The second call's, where the first met a throttle, an outage or a lost connection."""
        try:
            answer = self._call(ends_at)
            if answer.status < 500 and error_code(answer) not in _PASSING_CODES:
                return answer
        except _LOST:
            pass
        time.sleep(random.random() * LONGEST_PAUSE_S)  # noqa: S311 - nothing to guess
        return self._call(ends_at)

    def _call(self, ends_at: float) -> Answer:
        region = _region(self._arn)
        own = os.environ.get("AWS_ENDPOINT_URL_SECRETS_MANAGER") or os.environ.get("AWS_ENDPOINT_URL")
        return _SERVICE.call(
            "GetSecretValue",
            json.dumps({"SecretId": self._arn}).encode(),
            url=own or endpoint(_SERVICE.name, region),
            region=region,
            keys=self._aws_keys(),
            client=self._client(),
            ends_at=ends_at,
        )

    def _unreadable(self, why: str) -> KeyUnavailable:
        return KeyUnavailable(f"the secret {self.name} cannot be read ({why})")


def _region(arn: str) -> str:
    """The secret's own; the function's where only its name is known."""
    parts = arn.split(":")
    return parts[3] if len(parts) > 3 else os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION", "")
