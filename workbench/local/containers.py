"""How a container on this machine reaches the local stack, which listens on the loopback alone."""

import asyncio
import contextlib
import platform
import socket
import threading
from collections.abc import Iterator, Sequence

from workbench.local.processes import HOST

# Linux: bind to an address whose interface appears only with the first container.
IP_FREEBIND = 15
CHUNK = 65_536


def host_address() -> str | None:
    """The name or address by which containers reach this machine; None when no engine answers."""
    import docker
    import docker.errors

    try:
        client = docker.from_env()
        if platform.system() != "Linux":
            client.ping()
            return "host.docker.internal"  # Docker Desktop and its like lead it to the loopback
        # Docker and podman each have one network that containers join unless told otherwise.
        default = next(network for network in client.networks.list() if network.name in ("bridge", "podman"))
        return str(default.attrs["IPAM"]["Config"][0]["Gateway"])
    except (docker.errors.DockerException, StopIteration, LookupError):
        return None


@contextlib.contextmanager
def reachable(address: str, ports: Sequence[int]) -> Iterator[None]:
    """Passes what containers send to ``address`` on to the loopback, port by port, while the block runs."""
    if address == "host.docker.internal":
        yield
        return
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    for port in ports:
        asyncio.run_coroutine_threadsafe(_listen(address, port), loop).result()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _listen(address: str, port: int) -> None:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
    listener.bind((address, port))

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            onward = await asyncio.open_connection(HOST, port)
            await asyncio.gather(_pass(reader, onward[1]), _pass(onward[0], writer))

    await asyncio.start_server(relay, sock=listener)


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await source.read(CHUNK):
            sink.write(piece)
            await sink.drain()
    sink.close()
