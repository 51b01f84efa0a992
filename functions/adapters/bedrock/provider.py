"""Bedrock's Converse: signed by botocore, sent by the urllib3 that comes with it.

Not through a boto3 client: its service model costs a third of the adapter's cold start and is
as old as the Lambda runtime, which then refuses fields that the service has long had; and its
limits are per client, while ours are per call.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import where
from pydantic import ValidationError

from adapters.bedrock import errors, mapping, replies
from signalbox.adapters.provider import AdapterError, deadline_exceeded, failed
from signalbox.adapters.within import OutOfTime, within
from signalbox.contracts.adapters import AdapterReply, AdapterRequest

if TYPE_CHECKING:
    from botocore.credentials import Credentials

CONNECT_LIMIT_MS = 5_000
MAX_REPLY_BYTES = 5_000_000  # Lambda hands on 6 MB at most
_CHUNK_BYTES = 65_536


class TooLarge(Exception):
    """The reply passed ``MAX_REPLY_BYTES``."""


class BrokenOff(Exception):
    """The connection ended within a 2xx body. The model has answered and been paid: not to be retried."""


@dataclass(frozen=True)
class Answer:
    """One HTTP response, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    latency_ms: int


@cache
def shared_pool() -> urllib3.PoolManager:
    """The process's one pool; it keeps connections open between calls."""
    return urllib3.PoolManager(maxsize=4, ca_certs=where())


class Keys(NamedTuple):
    """What a request is signed with."""

    access_key: str
    secret_key: str
    token: str | None = None


def ambient_keys() -> Keys | None:
    """Of the Lambda role, from the environment; else wherever botocore finds them (SnapStart, a laptop)."""
    if (access := os.environ.get("AWS_ACCESS_KEY_ID")) and (secret := os.environ.get("AWS_SECRET_ACCESS_KEY")):
        return Keys(access, secret, os.environ.get("AWS_SESSION_TOKEN"))
    if (found := _session_credentials()) is None:
        return None
    frozen = found.get_frozen_credentials()
    return Keys(frozen.access_key or "", frozen.secret_key or "", frozen.token)


@cache
def _session_credentials() -> "Credentials | None":
    from botocore.session import Session  # a fifth of the cold start, and hardly ever needed

    return Session().get_credentials()


def endpoint(region: str) -> str:
    """The service's own address in ``region``."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://bedrock-runtime.{region}.{suffix}"


@dataclass(frozen=True)
class BedrockProvider:
    """The ``Provider`` of Amazon Bedrock."""

    region: str
    base_url: str
    keys: Callable[[], Keys | None] = ambient_keys
    pool: Callable[[], urllib3.PoolManager] = shared_pool
    name: str = "bedrock"

    def attempt(self, request: AdapterRequest, time_left_ms: int) -> AdapterReply:
        """See ``Provider``."""
        body = json.dumps(mapping.to_wire(request)).encode()
        ends_at = time.monotonic() + time_left_ms / 1_000
        if time_left_ms <= 0:
            raise deadline_exceeded(request)
        answer = self._exchange(request, self._signed(request, body), time_left_ms, ends_at)
        if not 200 <= answer.status < 300:
            failure = errors.failure(request, answer.status, answer.headers, answer.body)
            raise AdapterError(failure.model_copy(update={"latency_ms": answer.latency_ms}))
        try:
            return replies.from_wire(request, answer.body, answer.headers, answer.latency_ms)
        except ValidationError as error:
            # Places, never values: those are what the model said.
            places = ", ".join(".".join(map(str, problem["loc"])) or problem["type"] for problem in error.errors())
            raise failed(request, "MalformedReply", f"bedrock's reply is not of its form: {places[:200]}") from None

    def _signed(self, request: AdapterRequest, body: bytes) -> AWSRequest:
        url = f"{self.base_url.rstrip('/')}/model/{quote(request.provider_model, safe='')}/converse"
        unsigned = AWSRequest("POST", url, headers={"Content-Type": "application/json"}, data=body)
        try:
            if (keys := self.keys()) is None:
                raise failed(request, "AuthenticationFailed", "no AWS credentials were found")
            # It reads the three names that ReadOnlyCredentials has, and importing those costs 30 ms.
            SigV4Auth(keys, "bedrock", self.region).add_auth(unsigned)  # type: ignore[arg-type]
        except BotoCoreError as error:
            message = f"the AWS credentials cannot be used ({type(error).__name__})"
            raise failed(request, "AuthenticationFailed", message) from None
        return unsigned

    def _exchange(self, request: AdapterRequest, signed: AWSRequest, left_ms: int, ends_at: float) -> Answer:
        try:
            return within(left_ms, lambda: _post(self.pool(), signed, left_ms, ends_at))
        except (OutOfTime, urllib3.exceptions.TimeoutError):
            # Connecting has a shorter limit than the whole: a host that does not answer is down, not slow.
            if time.monotonic() < ends_at - 0.001:
                raise failed(request, "ProviderUnavailable", "bedrock could not be reached in time") from None
            raise deadline_exceeded(request) from None
        except TooLarge:
            message = f"bedrock's reply is larger than {MAX_REPLY_BYTES} bytes"
            raise failed(request, "MalformedReply", message) from None
        except BrokenOff:
            raise failed(request, "MalformedReply", "bedrock's reply broke off") from None
        except urllib3.exceptions.HTTPError as error:
            message = f"bedrock could not be reached ({type(error).__name__})"
            raise failed(request, "ProviderUnavailable", message) from None


def _post(pool: urllib3.PoolManager, signed: AWSRequest, left_ms: int, ends_at: float) -> Answer:
    """One POST, streamed so that size and time are checked between chunks. Raises
    ``urllib3.exceptions.HTTPError``, ``TooLarge``, ``BrokenOff`` or ``OutOfTime``."""
    started = time.monotonic()
    timeout = urllib3.Timeout(connect=min(left_ms, CONNECT_LIMIT_MS) / 1_000, read=left_ms / 1_000)
    response = pool.request(
        "POST",
        str(signed.url),
        body=signed.data,
        headers=dict(signed.headers.items()),
        timeout=timeout,
        retries=False,
        redirect=False,
        preload_content=False,
    )
    try:
        body = _read(response, ends_at)
    except urllib3.exceptions.TimeoutError:
        raise
    except urllib3.exceptions.HTTPError as error:
        if 200 <= response.status < 300:
            raise BrokenOff from error
        raise
    response.release_conn()
    return Answer(response.status, response.headers, body, round((time.monotonic() - started) * 1_000))


def _read(response: urllib3.BaseHTTPResponse, ends_at: float) -> bytes:
    chunks: list[bytes] = []
    size = 0
    for chunk in response.stream(_CHUNK_BYTES):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_REPLY_BYTES:
            response.close()
            raise TooLarge
        if time.monotonic() > ends_at:
            response.close()
            raise OutOfTime
    return b"".join(chunks)
