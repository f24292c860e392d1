"""Protocols that look at nothing, on both sides of a gateway.

`python -m bench.bare upstream` answers every request at once with the same whole answer. `python -m bench.bare proxy
PORT` hands requests to that port and answers back, byte for byte: two reads and two writes, which is what the loop and
the sockets cost whoever proxies. Both print their port. `Callers` are the load: connections that ask again as soon as
they were answered.
"""

import asyncio
import re
import sys
from collections.abc import Callable, Iterator
from typing import cast

from bench.loop import new_loop
from bench.nginx import ANSWER
from bench.plan import BenchFailed

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_WHOLE = (
    b"HTTP/1.1 200 OK\r\nServer: mock/1.0\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\nConnection: keep-alive\r\n\r\n%s" % (len(ANSWER), ANSWER.encode())
)
_END = ANSWER.encode()[-64:]
_MOST = 1 << 16
"""Bytes of an answer."""


class Upstream(asyncio.Protocol):
    """Answers each request when all of it is here."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, mark, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if mark and len(body) >= (int(length[1]) if length else 0):
            self._received = b""
            self._transport.write(_WHOLE)


class _Back(asyncio.Protocol):
    """A connection to the upstream; belongs to one caller's connection for its whole life."""

    def __init__(self, front: "asyncio.Transport") -> None:
        self._front = front

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._front.write(data)


class _Front(asyncio.Protocol):
    def __init__(self, loop: asyncio.AbstractEventLoop, port: int) -> None:
        self._loop = loop
        self._port = port
        self._back: _Back | None = None
        self._task: asyncio.Task[None] | None = None
        self._first = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._task = self._loop.create_task(self._open())

    async def _open(self) -> None:
        _, back = await self._loop.create_connection(lambda: _Back(self._transport), "127.0.0.1", self._port)
        self._back = back
        back.transport.write(self._first)

    def data_received(self, data: bytes) -> None:
        if self._back is None:
            self._first += data
        else:
            self._back.transport.write(data)

    def connection_lost(self, _exc: BaseException | None) -> None:
        if self._back is not None:
            self._back.transport.abort()


class _Caller(asyncio.Protocol):
    def __init__(self, callers: "Callers") -> None:
        self._callers = callers
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._received:
            data = self._received + data
        if not data.startswith(b"HTTP/1.1 200 ") or len(data) > _MOST:
            self._callers.broken(data)
        elif not data.endswith(_END):
            self._received = data
        else:
            self._received = b""
            if self._callers.running:
                self._callers.done += 1
                self.transport.write(next(self._callers.requests))

    def connection_lost(self, _exc: BaseException | None) -> None:
        if self._callers.running:
            self._callers.broken(self._received)


class Callers:
    """A closed loop of `many` connections to one port, which take `requests` as they come; `done` counts answers."""

    def __init__(self, port: int, requests: Iterator[bytes], many: int) -> None:
        self.port, self.requests, self._many = port, requests, many
        self.running = False
        self.done = 0
        self._wrong: bytes | None = None
        self._lines: list[_Caller] = []

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self.running = True
        for _ in range(self._many):
            _, line = await loop.create_connection(lambda: _Caller(self), "127.0.0.1", self.port)
            self._lines.append(line)
            line.transport.write(next(self.requests))

    def broken(self, data: bytes) -> None:
        self._wrong = data

    def stop(self) -> None:
        """Raises BenchFailed where an answer was not what it should be."""
        self.running = False
        for line in self._lines:
            line.transport.abort()
        if self._wrong is not None:
            raise BenchFailed(f"not the answers that were to be measured: {self._wrong[:300]!r}")


def request_to(port: int, path: str, key: str, body: bytes) -> bytes:
    """As a plain client sends it, in one piece."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


async def _serve(make: Callable[[], asyncio.Protocol]) -> None:
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0, backlog=1024)
    print(f"mock ready: port {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main(argv: list[str]) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        if argv[0] == "upstream":
            runner.run(_serve(Upstream))
        else:
            loop = runner.get_loop()
            runner.run(_serve(lambda: _Front(loop, int(argv[1]))))


if __name__ == "__main__":
    main(sys.argv[1:])
