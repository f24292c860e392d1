"""A client of many event streams that notes when each chunk was sent and when it came."""

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from typing import cast

from bench.plan import BenchFailed

_STAMP = re.compile(rb" t=(\d+)")
_END = b"0\r\n\r\n"


@dataclass(slots=True)
class Seen:
    """What came back; delays in nanoseconds."""

    chunks: int = 0
    first_ns: list[int] = field(default_factory=list)
    """From the request written to the first chunk read."""
    chunk_ns: list[int] = field(default_factory=list)
    """From each chunk written by the upstream to it being read here."""


def request(key: str, chunks: int, pace_ms: int) -> bytes:
    """A chat stream of so many chunks, one every `pace_ms`."""
    body = json.dumps(
        {
            "model": "bench-stream",
            "messages": [{"role": "user", "content": "How is spirit gauged? " * 40}],
            "stream": True, "max_tokens": chunks, "seed": pace_ms,
        }
    ).encode()  # fmt: skip
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: bench.test\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection(asyncio.Protocol):
    """One connection: streams one after the other."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._rest = b""
        self._first = False
        self._asked_ns = 0
        loop = asyncio.get_running_loop()
        self.begun: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def ask(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.begun, self.ended = loop.create_future(), loop.create_future()
        self._first = True
        self._asked_ns = time.monotonic_ns()
        self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        if data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 200"):
            self._fail(data)
            return
        seen = self._seen
        text = self._rest + data
        cut = text.rfind(b"\n") + 1
        self._rest = text[cut:]
        for stamp in _STAMP.findall(text, 0, cut):
            seen.chunks += 1
            seen.chunk_ns.append(now - int(stamp))
            if self._first:
                self._first = False
                seen.first_ns.append(now - self._asked_ns)
                if not self.begun.done():  # whoever waited may have given up
                    self.begun.set_result(None)
        if text.endswith(_END) and not self.ended.done():
            self.ended.set_result(None)

    def connection_lost(self, _exc: BaseException | None) -> None:
        self._fail(b"the connection was closed")

    def _fail(self, what: bytes) -> None:
        for future in (self.begun, self.ended):
            if not future.done():
                future.set_exception(BenchFailed(f"a stream failed: {what[:600].decode(errors='replace')}"))
                future.exception()  # it counts where it is awaited, and need not be


async def connect(port: int, seen: Seen) -> Connection:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(seen), "127.0.0.1", port)
    return connection


async def open_streams(port: int, data: bytes, count: int, seen: Seen, *, spread_s: float = 0.0) -> list[Connection]:
    """So many streams, each past its first chunk; started evenly over `spread_s` so that they do not beat together."""
    connections = [await connect(port, seen) for _ in range(count)]
    loop = asyncio.get_running_loop()
    start = loop.time()
    for index, connection in enumerate(connections):
        await asyncio.sleep(start + spread_s * index / count - loop.time())
        connection.ask(data)
        if index % 50 == 49:
            await connection.begun
    await asyncio.gather(*(connection.begun for connection in connections))
    return connections


async def close_streams(connections: list[Connection]) -> None:
    for connection in connections:
        connection.transport.abort()
    await asyncio.sleep(0.1)


async def at_rate(port: int, data: bytes, per_s: int, seconds: float, seen: Seen) -> None:
    """Streams begun at fixed instants whatever became of those before (open loop), to their ends."""
    loop = asyncio.get_running_loop()
    idle = [await connect(port, seen) for _ in range(16)]
    every = list(idle)
    busy: set[asyncio.Task[None]] = set()

    async def one() -> None:
        connection = idle.pop() if idle else await connect(port, seen)
        if connection not in every:
            every.append(connection)
        connection.ask(data)
        await connection.ended
        idle.append(connection)

    start = loop.time()
    for index in range(round(per_s * seconds)):
        await asyncio.sleep(start + index / per_s - loop.time())
        task = loop.create_task(one())
        busy.add(task)
        task.add_done_callback(lambda done: busy.discard(done) if done.exception() is None else None)
    await asyncio.gather(*busy)
    await close_streams(every)
