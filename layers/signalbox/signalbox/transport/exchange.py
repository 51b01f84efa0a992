"""One POST over HTTP, bounded in time and size, with the process's one client."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import httpx

from signalbox.transport.trust import Trust
from signalbox.transport.within import OutOfTime

CONNECT_LIMIT_MS = 5_000
# Lambda answers with 6 MB at most; a longer reply could not be handed on.
MAX_REPLY_BYTES = 5_000_000
KEEP_ALIVE_S = 30


@dataclass(frozen=True)
class Answer:
    """One HTTP response, read to its end. ``headers`` are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    latency_ms: int


class TooLarge(Exception):
    """The reply passed ``MAX_REPLY_BYTES``."""


class BrokenOff(Exception):
    """The connection ended within a 2xx body. The model has answered and been paid: not to be retried."""


@cache
def _trust() -> Trust:
    return Trust()


@cache
def shared_client() -> httpx.Client:
    """The process's one client: building another costs an SSL context."""
    limits = httpx.Limits(max_connections=8, max_keepalive_connections=4, keepalive_expiry=KEEP_ALIVE_S)
    return httpx.Client(limits=limits, verify=_trust().context)


def left_ms(ends_at: float) -> int:
    """Milliseconds until ``ends_at``, which is seconds of the monotonic clock."""
    return round((ends_at - time.monotonic()) * 1_000)


def post(
    client: httpx.Client,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    ends_at: float,
    connect_limit_ms: int = CONNECT_LIMIT_MS,
) -> Answer:
    """The answer, of whatever status. Raises ``httpx.HTTPError``, ``httpx.InvalidURL``, ``TooLarge``,
    ``BrokenOff`` or ``OutOfTime``."""
    began = time.monotonic()
    try:
        return _post(client, url, headers, body, ends_at, connect_limit_ms)
    except httpx.ConnectError as error:
        if not _trust().widened(error, began):
            raise
        return _post(client, url, headers, body, ends_at, connect_limit_ms)


def _post(
    client: httpx.Client, url: str, headers: Mapping[str, str], body: bytes, ends_at: float, connect_limit_ms: int
) -> Answer:
    """Streamed, so that size and time are checked between chunks."""
    started = time.monotonic()
    left = max(ends_at - started, 0.001)
    timeout = httpx.Timeout(left, connect=min(left, connect_limit_ms / 1_000))
    with client.stream("POST", url, content=body, headers=headers, timeout=timeout, follow_redirects=False) as response:
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
