"""Responses that go wrong on purpose, down to the connection.

They need the connection's transport, which ``with_transport`` takes from the server (uvicorn) into the request's scope.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_KEY = "simulator.transport"


def with_transport(app: ASGIApp) -> ASGIApp:
    """``app`` with the connection's transport in every HTTP scope, and ``x-simulated: true`` on every response."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        scope[_KEY] = getattr(getattr(send, "__self__", None), "transport", None)

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), (b"x-simulated", b"true")]}
            await send(message)

        await app(scope, receive, marked)

    return call


def _transport(scope: Scope) -> asyncio.Transport:
    transport = scope.get(_KEY)
    if transport is None:
        raise ConnectionResetError("this fault needs a real connection, served by uvicorn")
    return transport  # type: ignore[no-any-return]


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class ResetResponse(Response):
    """No answer: the peer sees the connection reset."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        transport = _transport(scope)
        if connection := transport.get_extra_info("socket"):
            # Lingering for no time at all makes the close a reset.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await _gone(receive)


class TruncatedResponse(Response):
    """Half of the body that Content-Length promises, then the connection closes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = _transport(scope)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        transport.close()
        await _gone(receive)


class PacedResponse(Response):
    """The body in ``chunks``; ``pause(index)`` is awaited before each."""

    def __init__(
        self,
        chunks: list[bytes],
        pause: Callable[[int], Awaitable[None]],
        headers: dict[str, str],
        media_type: str | None = None,
    ) -> None:
        super().__init__(b"".join(chunks), 200, headers, media_type)
        self._chunks = chunks
        self._pause = pause

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for index, chunk in enumerate(self._chunks):
            await self._pause(index)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
