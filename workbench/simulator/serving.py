"""A uvicorn server for the simulator, on the loopback interface only."""

import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

HOST = "127.0.0.1"
BACKLOG = 512


def bound(port: int) -> socket.socket:
    """A socket bound to ``port`` (0: a free one). Raises ``OSError`` where it is taken."""
    # asyncio turns Nagle's delay (40 ms a reply) off only where the protocol is named.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


class Server(uvicorn.Server):
    """Calls ``when_listening`` once requests are taken; stops within a second, whatever is still under way."""

    def __init__(self, app: ASGIApp, when_listening: Callable[[], None] = lambda: None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=1,
                timeout_keep_alive=75,
            )
        )
        self._when_listening = when_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self._when_listening()
