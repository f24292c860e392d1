"""An upstream made of raw sockets: it records exact bytes and answers with literal ones, well-formed or not.

    async with ScriptedUpstream([ok(b"{}")], [EARLY, b"HTTP/1.1 200", cut]) as upstream: ...

The n-th request gets the n-th script, the last script repeats. A step is bytes to send or a function of the Peer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress


class Peer:
    """One accepted connection."""

    def __init__(self, upstream, reader, writer):
        self.upstream = upstream
        self.reader = reader
        self.writer = writer
        self.received = bytearray()
        self.requests = []
        """(head, body) as they came, exact bytes."""
        self.ended = asyncio.Event()
        """The other side has closed, or we have."""

    async def send(self, data):
        self.writer.write(data)
        with suppress(ConnectionError):
            await self.writer.drain()

    async def more(self):
        """What comes next; empty at the end, however it came."""
        try:
            data = await self.reader.read(65536)
        except ConnectionError:
            return b""
        self.received += data
        return data


Step = bytes | Callable[[Peer], Awaitable[None]]


async def EARLY(peer):  # noqa: N802 - a marker: as first step, the script answers before the body is read
    pass


async def cut(peer):
    """Reset the connection."""
    peer.writer.transport.abort()


async def close(peer):
    """End it in good order."""
    peer.writer.close()


async def stall(peer):
    """Say nothing until the test calls `release`."""
    await peer.upstream.released.wait()


def trickle(data, size=1):
    """`data` in writes of `size` bytes, each handed to the kernel on its own."""

    async def step(peer):
        for start in range(0, len(data), size):
            await peer.send(data[start : start + size])
            await asyncio.sleep(0)

    return step


def wait(event):
    async def step(_peer):
        await event.wait()

    return step


def ok(body=b"{}", *, content_type=b"application/json", head=b""):
    """A well-formed answer; `head` is further header lines, each ending in CRLF."""
    length = str(len(body)).encode()
    return [
        b"HTTP/1.1 200 OK\r\nContent-Type: " + content_type + b"\r\nContent-Length: " + length,
        b"\r\n" + head + b"\r\n" + body,
    ]


def answer(status, body=b"{}", *, head=b""):
    length = str(len(body)).encode()
    line = b"HTTP/1.1 " + str(status).encode() + b" Because\r\nContent-Type: application/json\r\n"
    return [line + b"Content-Length: " + length + b"\r\n" + head + b"\r\n" + body]


EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


class ScriptedUpstream:
    """Listens on a free port of 127.0.0.1 while it is entered."""

    def __init__(self, *scripts: Sequence[Step], tls=None):
        self.scripts = scripts
        self.peers = []
        self.requests = []
        """(head, body) of all peers, in the order of their arrival."""
        self.released = asyncio.Event()
        self._tls = tls
        self._tasks = set()
        self._news = asyncio.Event()
        self._served = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for peer in self.peers:
            peer.writer.close()
            with suppress(OSError):
                await peer.writer.wait_closed()
        await self._server.wait_closed()

    def release(self):
        self.released.set()

    async def until(self, condition):
        """Wait until `condition()` holds; looked at whenever anything happens on a connection."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    def _accept(self, reader, writer):
        task = asyncio.get_running_loop().create_task(self._converse(Peer(self, reader, writer)))
        self._tasks.add(task)

    async def _converse(self, peer):
        self.peers.append(peer)
        try:
            while await self._exchange(peer):
                pass
        except ConnectionError:
            pass
        finally:
            peer.ended.set()
            self._news.set()

    async def _exchange(self, peer):
        start = sum(len(head) + len(body) for head, body in peer.requests)
        while (end := peer.received.find(b"\r\n\r\n", start)) < 0:
            if not await peer.more():
                return False
        head = bytes(peer.received[start : end + 4])
        script = self.scripts[min(self._served, len(self.scripts) - 1)]
        self._served += 1
        early = bool(script) and script[0] is EARLY
        body = b"" if early else await self._body(peer, head, end + 4)
        peer.requests.append((head, body))
        self.requests.append((head, body))
        self._news.set()
        for step in script:
            await (peer.send(step) if isinstance(step, bytes) else step(peer))
        return not peer.writer.is_closing()

    async def _body(self, peer, head, start):
        fields = [line.partition(b":") for line in head.lower().split(b"\r\n")]
        length = sum(int(value) for name, _, value in fields if name == b"content-length")
        while len(peer.received) < start + length and await peer.more():
            pass
        return bytes(peer.received[start : start + length])
