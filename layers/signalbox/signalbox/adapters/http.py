"""What the providers that speak HTTP share: one client, the time limits, and what breaks on the way."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import httpx
from pydantic import ValidationError

from signalbox.adapters.keys import KeySource, KeyUnavailable
from signalbox.adapters.provider import AdapterError, deadline_exceeded, failed
from signalbox.adapters.within import OutOfTime, within
from signalbox.contracts.adapters import AdapterFailure, AdapterReply, AdapterRequest

CONNECT_LIMIT_MS = 5_000
# Lambda answers with 6 MB at most; a longer reply could not be handed on.
MAX_REPLY_BYTES = 5_000_000
KEEP_ALIVE_S = 30


class Dialect(Protocol):
    """One provider's wire format: pure, so every mapping is tested without a socket."""

    @property
    def name(self) -> str:
        """The provider's name, see ``Provider``."""

    def url(self, request: AdapterRequest) -> str:
        """Where ``request`` is posted."""

    def headers(self, key: str | None) -> dict[str, str]:
        """Authentication and version headers; ``key`` None when the server asks for none."""

    def to_wire(self, request: AdapterRequest) -> dict[str, Any]:
        """The JSON body. Raises ``AdapterError`` (InvalidRequest) for what cannot be carried."""

    def from_wire(
        self, request: AdapterRequest, body: bytes, headers: Mapping[str, str], latency_ms: int
    ) -> AdapterReply:
        """The reply in a 2xx ``body``. Raises ``ValidationError`` or ``AdapterError``."""

    def failure(self, request: AdapterRequest, status: int, headers: Mapping[str, str], body: bytes) -> AdapterFailure:
        """The failure that any other status means. ``headers`` are case-insensitive."""


@dataclass(frozen=True)
class Answer:
    """One HTTP response, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    latency_ms: int


class TooLarge(Exception):
    """The reply passed ``MAX_REPLY_BYTES``."""


@cache
def shared_client() -> httpx.Client:
    """The process's one client: building another costs an SSL context."""
    return httpx.Client(
        limits=httpx.Limits(max_connections=8, max_keepalive_connections=4, keepalive_expiry=KEEP_ALIVE_S)
    )


@dataclass(frozen=True)
class HttpProvider:
    """A ``Provider`` made of a dialect, a key and the shared client."""

    dialect: Dialect
    keys: KeySource
    client: Callable[[], httpx.Client] = shared_client

    @property
    def name(self) -> str:
        """See ``Provider``."""
        return self.dialect.name

    def attempt(self, request: AdapterRequest, time_left_ms: int) -> AdapterReply:
        """See ``Provider``. A key that was refused is read again once, in case it was rotated."""
        body = self.dialect.to_wire(request)
        ends_at = time.monotonic() + time_left_ms / 1_000
        key = self._key(request, ends_at, fresh=False)
        answer = self._exchange(request, body, key, ends_at)
        if answer.status in (401, 403):
            renewed = self._key(request, ends_at, fresh=True)
            if renewed != key:
                answer = self._exchange(request, body, renewed, ends_at)
        return self._read(request, answer)

    def _key(self, request: AdapterRequest, ends_at: float, *, fresh: bool) -> str | None:
        try:
            return within(_left_ms(ends_at), lambda: self.keys.key(fresh=fresh))
        except KeyUnavailable as error:
            raise failed(request, "AuthenticationFailed", str(error)) from None
        except OutOfTime:
            raise deadline_exceeded(request) from None

    def _exchange(self, request: AdapterRequest, body: dict[str, Any], key: str | None, ends_at: float) -> Answer:
        url, headers = self.dialect.url(request), self.dialect.headers(key)
        try:
            return within(_left_ms(ends_at), lambda: _post(self.client(), url, headers, body, ends_at))
        except httpx.ConnectTimeout:
            # Connecting has a shorter limit than the whole: a host that does not answer is down, not slow.
            if time.monotonic() < ends_at:
                raise failed(request, "ProviderUnavailable", f"{self.name} does not answer") from None
            raise deadline_exceeded(request) from None
        except (OutOfTime, httpx.TimeoutException):
            raise deadline_exceeded(request) from None
        except TooLarge:
            message = f"{self.name}'s reply is larger than {MAX_REPLY_BYTES} bytes"
            raise failed(request, "MalformedReply", message) from None
        except httpx.DecodingError:
            raise failed(request, "MalformedReply", f"{self.name}'s reply cannot be decompressed") from None
        except BrokenOff:
            raise failed(request, "MalformedReply", f"{self.name}'s reply broke off") from None
        except (httpx.TransportError, httpx.InvalidURL) as error:
            message = f"{self.name} could not be reached ({type(error).__name__})"
            raise failed(request, "ProviderUnavailable", message) from None

    def _read(self, request: AdapterRequest, answer: Answer) -> AdapterReply:
        if not 200 <= answer.status < 300:
            failure = self.dialect.failure(request, answer.status, answer.headers, answer.body)
            raise AdapterError(failure.model_copy(update={"latency_ms": answer.latency_ms}))
        try:
            return self.dialect.from_wire(request, answer.body, answer.headers, answer.latency_ms)
        except ValidationError as error:
            # Places, never values: those are what the model said.
            places = ", ".join(".".join(map(str, problem["loc"])) or problem["type"] for problem in error.errors())
            raise failed(request, "MalformedReply", f"{self.name}'s reply is not of its form: {places[:200]}") from None


class BrokenOff(Exception):
    """The connection ended within a 2xx body. The model has answered and been paid: not to be retried."""


def _left_ms(ends_at: float) -> int:
    """``ends_at`` by the monotonic clock, in seconds."""
    return round((ends_at - time.monotonic()) * 1_000)


def _post(client: httpx.Client, url: str, headers: dict[str, str], body: dict[str, Any], ends_at: float) -> Answer:
    """One POST, streamed so that size and time are checked between chunks. Raises ``httpx.HTTPError``,
    ``TooLarge`` or ``BrokenOff``."""
    started = time.monotonic()
    left = max(ends_at - started, 0.001)
    timeout = httpx.Timeout(left, connect=min(left, CONNECT_LIMIT_MS / 1_000))
    with client.stream("POST", url, json=body, headers=headers, timeout=timeout, follow_redirects=False) as response:
        chunks: list[bytes] = []
        size = 0
        try:
            for chunk in response.iter_bytes():
                chunks.append(chunk)
                size += len(chunk)
                if size > MAX_REPLY_BYTES:
                    raise TooLarge
                if time.monotonic() > ends_at:
                    raise OutOfTime
        except (httpx.ReadError, httpx.RemoteProtocolError) as error:
            if response.is_success:
                raise BrokenOff from error
            raise
    latency_ms = round((time.monotonic() - started) * 1_000)
    return Answer(response.status_code, response.headers, b"".join(chunks), latency_ms)
