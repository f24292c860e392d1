"""One stream from a scripted upstream to a caller on a socket, all of it on loopback: pumped, or direct."""

import asyncio
import socket
from contextlib import asynccontextmanager
from types import SimpleNamespace

from gateway.core.clock import SystemClock
from gateway.server.guarded import relay_for
from gateway.upstreams.base import Call
from gateway.upstreams.pool.transport import PoolTransport
from gateway.upstreams.settings import Timeouts, UpstreamSettings
from tests.support.relaying import exchange
from tests.support.upstream import ScriptedUpstream

WAYS = ("pumped", "direct")


class Wire(asyncio.Protocol):
    """A caller's connection: `Stream` and, where it is direct, its own `Pipe`."""

    def __init__(self, *, direct):
        self.full = False
        self.turns = []
        self.pipe = self if direct else None
        self.transport = None
        self._turned = None
        self._drained = asyncio.Event()
        self._drained.set()
        self.lost = asyncio.Event()

    def connection_lost(self, _exc):
        self.lost.set()

    def connection_made(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(high=16_384)

    def pause_writing(self):
        self._turn(full=True)

    def resume_writing(self):
        self._turn(full=False)

    def _turn(self, *, full):
        self.full = full
        self.turns.append(full)
        if full:
            self._drained.clear()
        else:
            self._drained.set()
        if self._turned is not None:
            self._turned()

    def push(self, data):
        assert not self.full, "pushed into a full pipe"
        assert data
        self.transport.write(data)

    def on_turn(self, callback):
        self._turned = callback

    @property
    def joined(self):
        return self._turned is not None

    async def write(self, data):
        self.transport.write(data)
        await self._drained.wait()

    async def write_eof(self):
        pass


class Caller:
    """The other end, which reads when it is told to."""

    def __init__(self, end):
        self._end = end
        self.body = b""

    async def read(self, size=65536):
        data = await asyncio.get_running_loop().sock_recv(self._end, size)
        self.body += data
        return data

    async def read_all(self):
        while await self.read():
            pass
        return self.body


@asynccontextmanager
async def piped(way, *scripts, dialect="chat", scales=None, receipts=None, timeouts=(), settings=(), **wanted):
    """`relay` is ready to run; `x`, `caller`, `wire`, `upstream`, `transport` and `answer` are to be looked at."""
    loop = asyncio.get_running_loop()
    here, there = socket.socketpair()
    for end in (here, there):
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    async with ScriptedUpstream(*scripts) as upstream:
        _, wire = await loop.create_connection(lambda: Wire(direct=way == "direct"), sock=here)
        times = Timeouts(**{"connect_s": 5.0, "first_byte_s": 50.0, "between_bytes_s": 50.0, **dict(timeouts)})
        transport = PoolTransport(
            UpstreamSettings("up", "generic", upstream.url, frozenset({"chat"}), timeouts=times, **dict(settings))
        )
        try:
            answer = await transport.send(Call("POST", "/v1/x", {}, b"{}", stream=True))
            x = exchange(dialect, **wanted)
            x.pays_as_it_goes = scales is not None
            pipeline = SimpleNamespace(clock=SystemClock(), receipts=receipts, scales=scales)
            relay = relay_for(pipeline, x, wire, answer)
            yield SimpleNamespace(
                x=x, relay=relay, wire=wire, caller=Caller(there), upstream=upstream, transport=transport, answer=answer
            )
        finally:
            if not wire.lost.is_set():
                wire.transport.abort()
            await wire.lost.wait()
            upstream.release()
            await transport.close()
            there.close()


async def relayed(scene):
    """The outcome, and all that the caller got."""
    reading = asyncio.ensure_future(scene.caller.read_all())
    try:
        outcome = await scene.relay.run()
    finally:
        scene.wire.transport.close()
    return outcome, await reading
