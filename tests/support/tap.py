"""A tap on the wire: a pass-through between two HTTP/1.1 parties that keeps the bodies as they went by.

    with tapped("http://127.0.0.1:8000") as tap:
        ... talk to tap.url ...
        tap.exchanges[-1].answer

Bytes are forwarded as they come and never changed; they are read beside, so that what one side sent can be held
against what the other side made of it.
"""

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httptools


class Exchanged:
    """One request and its answer; `whole` once the answer has ended."""

    def __init__(self) -> None:
        self.path = ""
        self.request = b""
        self.answer = b""
        self.whole = False

    @property
    def asked(self) -> Any:
        return json.loads(self.request)

    @property
    def events(self) -> list[bytes]:
        """The answer as server-sent events, their separators included."""
        return [event + b"\n\n" for event in self.answer.split(b"\n\n") if event]


class Tap:
    """What went by so far, oldest first. Filled by another thread: read it when the exchange of interest is over."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self.host, self.port = parts.hostname, parts.port
        self.url = ""
        self.exchanges: list[Exchanged] = []
        self.peak = 0
        """The most exchanges that were under way at once."""
        self._connections: set[asyncio.Task] = set()

    @property
    def under_way(self) -> int:
        return sum(not one.whole for one in self.exchanges)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._connections.add(task)
        try:
            await _Line(self).carry(reader, writer)
        finally:
            self._connections.discard(task)

    async def close(self) -> None:
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)


class _Line:
    """One connection; its requests come one after another."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._open: Exchanged | None = None

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(self._tap.host, self._tap.port)
        requests, answers = httptools.HttpRequestParser(_Asked(self)), httptools.HttpResponseParser(_Told(self))
        ways = [
            asyncio.create_task(_copy(reader, forth, requests)),
            asyncio.create_task(_copy(back, writer, answers)),
        ]
        try:
            # Whoever hangs up first, the other side must feel it at once.
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self.ended()
            for end in (forth, writer):
                end.close()
                with contextlib.suppress(ConnectionError):
                    await end.wait_closed()

    def began(self) -> Exchanged:
        self._open = Exchanged()
        self._tap.exchanges.append(self._open)
        self._tap.peak = max(self._tap.peak, self._tap.under_way)
        return self._open

    def ended(self) -> None:
        if self._open is not None:
            self._open.whole = True

    @property
    def open(self) -> Exchanged:
        assert self._open is not None
        return self._open


class _Asked:
    """The parser's calls while a request goes by."""

    def __init__(self, line: _Line) -> None:
        self._line = line

    def on_url(self, url: bytes) -> None:
        self._line.began().path = url.decode()

    def on_body(self, body: bytes) -> None:
        self._line.open.request += body


class _Told:
    """The parser's calls while an answer goes by."""

    def __init__(self, line: _Line) -> None:
        self._line = line

    def on_body(self, body: bytes) -> None:
        self._line.open.answer += body

    def on_message_complete(self) -> None:
        self._line.ended()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter, parser: Any) -> None:
    while data := await source.read(65536):
        parser.feed_data(data)
        sink.write(data)
        await sink.drain()


@contextlib.contextmanager
def tapped(target: str) -> Iterator[Tap]:
    """Start a tap in front of `target`, in a thread of its own."""
    tap = Tap(target)
    ready, over = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def run() -> None:
        server = await asyncio.start_server(tap.connected, "127.0.0.1", 0)
        async with server:
            tap.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            ready.set()
            await over.wait()
            await tap.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), name="tap", daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield tap
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(timeout=10)
        loop.close()
