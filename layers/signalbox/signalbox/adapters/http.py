"""What the providers that speak HTTP share: one exchange within the time limit, and what breaks on the way."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
from pydantic import ValidationError

from signalbox.adapters.keys import KeySource, KeyUnavailable
from signalbox.adapters.provider import AdapterError, deadline_exceeded, failed
from signalbox.contracts.adapters import AdapterFailure, AdapterReply, AdapterRequest
from signalbox.transport.exchange import MAX_REPLY_BYTES, Answer, BrokenOff, TooLarge, left_ms, post, shared_client
from signalbox.transport.within import OutOfTime, within


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
        body = _encoded(self.dialect.to_wire(request))
        ends_at = time.monotonic() + time_left_ms / 1_000
        key = self._key(request, ends_at, fresh=False)
        answer = self._exchange(request, body, key, ends_at)
        if answer.status in (401, 403):
            renewed = self._key(request, ends_at, fresh=True)
            if renewed != key:
                answer = self._exchange(request, body, renewed, ends_at)
        return reply_of(self.name, request, answer, self.dialect.from_wire, self.dialect.failure)

    def _key(self, request: AdapterRequest, ends_at: float, *, fresh: bool) -> str | None:
        try:
            return within(left_ms(ends_at), lambda: self.keys.key(fresh=fresh))
        except KeyUnavailable as error:
            raise failed(request, "AuthenticationFailed", str(error)) from None
        except OutOfTime:
            raise deadline_exceeded(request) from None

    def _exchange(self, request: AdapterRequest, body: bytes, key: str | None, ends_at: float) -> Answer:
        headers = {"Content-Type": "application/json", **self.dialect.headers(key)}
        return exchanged(self.name, self.client, request, self.dialect.url(request), headers, body, ends_at)


def exchanged(
    name: str,
    client: Callable[[], httpx.Client],
    request: AdapterRequest,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    ends_at: float,
) -> Answer:
    """What the provider ``name`` answers, over by ``ends_at``. Raises ``AdapterError`` when it does not."""
    try:
        return within(left_ms(ends_at), lambda: post(client(), url, headers, body, ends_at))
    except httpx.ConnectTimeout:
        # Connecting has a shorter limit than the whole: a host that does not answer is down, not slow.
        if time.monotonic() < ends_at:
            raise failed(request, "ProviderUnavailable", f"{name} does not answer") from None
        raise deadline_exceeded(request) from None
    except (OutOfTime, httpx.TimeoutException):
        raise deadline_exceeded(request) from None
    except TooLarge:
        raise failed(request, "MalformedReply", f"{name}'s reply is larger than {MAX_REPLY_BYTES} bytes") from None
    except httpx.DecodingError:
        raise failed(request, "MalformedReply", f"{name}'s reply cannot be decompressed") from None
    except BrokenOff:
        raise failed(request, "MalformedReply", f"{name}'s reply broke off") from None
    except (httpx.TransportError, httpx.InvalidURL) as error:
        message = f"{name} could not be reached ({type(error).__name__})"
        raise failed(request, "ProviderUnavailable", message) from None


def reply_of(
    name: str,
    request: AdapterRequest,
    answer: Answer,
    from_wire: Callable[[AdapterRequest, bytes, Mapping[str, str], int], AdapterReply],
    failure: Callable[[AdapterRequest, int, Mapping[str, str], bytes], AdapterFailure],
) -> AdapterReply:
    """The reply in a 2xx answer. Raises ``AdapterError`` for any other, and for one of another form."""
    if not 200 <= answer.status < 300:
        why = failure(request, answer.status, answer.headers, answer.body)
        raise AdapterError(why.model_copy(update={"latency_ms": answer.latency_ms}))
    try:
        return from_wire(request, answer.body, answer.headers, answer.latency_ms)
    except ValidationError as error:
        # Places, never values: those are what the model said.
        places = ", ".join(".".join(map(str, problem["loc"])) or problem["type"] for problem in error.errors())
        raise failed(request, "MalformedReply", f"{name}'s reply is not of its form: {places[:200]}") from None


def _encoded(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
