"""An upstream of event streams at an exact pace: `python -m bench.mock_upstream` prints its port and serves.

The request sets the pace in fields that every proxy passes: `max_tokens` chunks, one every `seed` milliseconds, the
first at once. Every chunk carries the monotonic time at which it was written, so that its delay is measured one-way.
Streams of one pace that began in the same millisecond share a timer; thousands of them would cost too much.
"""

import asyncio
import re
import time
from typing import ClassVar, cast

from bench.loop import new_loop

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
CHUNKS = re.compile(rb'"max_tokens": ?(\d+)')
PACE = re.compile(rb'"seed": ?(\d+)')
HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
MARK = b"~"
"""Once in each chunk that carries a time, and nowhere else in a body: who counts chunks counts this."""
_START = (
    b'data: {"id":"chatcmpl-0123456789abcdef0123456789","object":"chat.completion.chunk","created":1760000000,'
    b'"model":"bench-model","system_fingerprint":"fp_0123456789","choices":['
)
_DELTA = _START + b'{"index":0,"delta":{"content":"~ t=%020d"},"logprobs":null,"finish_reason":null}]'
_STOP = _START + b'{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]%s}\n\n'
_USAGE = _START + b'],"usage":{"prompt_tokens":212,"completion_tokens":%d,"total_tokens":%d}}\n\n'
_DONE = b"data: [DONE]\n\n"


def framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def delta(*, usage: bool) -> bytes:
    """A chunk as it is sent, with a place (%020d) for the time of its writing: always of the same length."""
    event = _DELTA + (b',"usage":null' if usage else b"") + b"}\n\n"
    return b"%x\r\n" % len(event % 0) + event + b"\r\n"


def ending(chunks: int, *, usage: bool) -> bytes:
    """What follows the last delta: the stop, the usage where it was asked for, the end."""
    events = [_STOP % (b',"usage":null' if usage else b""), _DONE]
    if usage:
        events.insert(1, _USAGE % (chunks, 212 + chunks))
    return b"".join(map(framed, events)) + b"0\r\n\r\n"


class Wheel:
    """The streams of one pace, by the millisecond in which they are due. It turns while there are any."""

    def __init__(self, loop: asyncio.AbstractEventLoop, pace_ms: int) -> None:
        self._loop = loop
        self._slots: list[list[Paced]] = [[] for _ in range(pace_ms)]
        self._streams = 0
        self._at = 0
        """The millisecond of the loop's clock whose slot is next."""

    def add(self, stream: "Paced") -> None:
        now = int(self._loop.time() * 1000)
        if not self._streams:
            self._at = now + 1
            self._loop.call_at(self._at / 1000, self._turn)
        self._streams += 1
        self._slots[now % len(self._slots)].append(stream)

    def _turn(self) -> None:
        now = int(self._loop.time() * 1000)
        while self._at <= now:
            slot = self._slots[self._at % len(self._slots)]
            before = len(slot)
            slot[:] = [stream for stream in slot if stream.tick()]
            self._streams -= before - len(slot)
            self._at += 1
        if self._streams:
            self._loop.call_at(self._at / 1000, self._turn)


class Paced(asyncio.Protocol):
    """One connection, one stream at a time."""

    wheels: ClassVar[dict[tuple[asyncio.AbstractEventLoop, int], Wheel]] = {}

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._received = b""
        self._closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _exc: BaseException | None) -> None:
        self._closed = True

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, mark, body = self._received.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if mark and len(body) >= (int(length[1]) if length else 0):
            self._received = b""
            self._begin(body)

    def _begin(self, body: bytes) -> None:
        chunks, pace = CHUNKS.search(body), PACE.search(body)
        self._chunks = self._left = int(chunks[1]) if chunks else 1
        self._usage = b"include_usage" in body
        self._delta = delta(usage=self._usage)
        self._transport.write(HEAD)
        if self.tick():
            key = (self._loop, max(1, int(pace[1]) if pace else 1))
            if key not in self.wheels:
                self.wheels[key] = Wheel(*key)
            self.wheels[key].add(self)

    def tick(self) -> bool:
        """Write the next chunk; whether there is another one."""
        if self._closed:
            return False
        self._transport.write(self._delta % time.monotonic_ns())
        self._left -= 1
        if not self._left:
            self._transport.write(ending(self._chunks, usage=self._usage))
        return self._left > 0


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Paced(loop), "127.0.0.1", 0, backlog=1024)
    print(f"mock ready: port {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(serve())
