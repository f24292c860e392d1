"""A bridge over transports that play scripts: who is asked, how often, and what its books say afterwards."""

import asyncio

from gateway.core.clock import ManualClock
from gateway.upstreams.base import UpstreamFailed
from gateway.upstreams.bridge import Bridge
from gateway.upstreams.settings import UpstreamSettings

DEAD = UpstreamFailed("connect", "x", sent=False)
STALE = UpstreamFailed("first_byte", "x", stale=True)
SLOW = UpstreamFailed("first_byte", "x", timeout=True)
BROKEN = UpstreamFailed("first_byte", "x")


class FakeAnswer:
    def __init__(self, status=200, body=b"{}", **headers):
        self.status = status
        self.headers = {"content-type": "application/json"} | {n.replace("_", "-"): v for n, v in headers.items()}
        self.body = body
        self.ends = []

    async def read(self):
        raise AssertionError("the bridge never reads a whole body")

    async def chunks(self):
        if isinstance(self.body, BaseException):
            raise self.body
        yield self.body

    def finish(self):
        self.ends.append("finish")

    def abort(self):
        self.ends.append("abort")


class FakeTransport:
    """Gives its script's next item, the last one again and again; an event means: wait for it."""

    def __init__(self, script):
        self.script = list(script)
        self.sent = []
        self.closed = False

    async def send(self, call):
        self.sent.append(call)
        item = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(item, asyncio.Event):
            await item.wait()
        if isinstance(item, BaseException):
            raise item
        return item

    async def close(self):
        self.closed = True


class Seen:
    def __init__(self):
        self.events = []

    def emit(self, name, **fields):
        self.events.append((name, fields))

    def of(self, name, field):
        return [fields[field] for event, fields in self.events if event == name]


class World:
    def __init__(self, weights=None, max_connections=1000, **scripts):
        self.clock = ManualClock()
        self.seen = Seen()
        self.transports = {name: FakeTransport(script) for name, script in scripts.items()}
        upstreams = [
            UpstreamSettings(
                name, "generic", f"http://{name}.internal:8000/v1", frozenset({"chat"}), "SECRET-KEY",
                weight=(weights or {}).get(name, 1), max_connections=max_connections,
            )
            for name in scripts
        ]  # fmt: skip
        self.bridge = Bridge(
            upstreams, lambda settings: self.transports[settings.name], self.clock, self.seen, lambda: 0.0
        )

    async def forward(self, hide=None, model="", gate=None):
        return await self.bridge.forward(list(self.transports), self.call, hide, model, gate)

    def call(self, upstream):
        return upstream.call("chat", "/v1/chat/completions", b"{}", caller={}, request_id="r", stream=False)

    def run(self, model="", gate=None):
        return asyncio.run(self.forward(model=model, gate=gate))

    def sent(self):
        return {name: len(transport.sent) for name, transport in self.transports.items()}

    def outstanding(self):
        return sum(status.outstanding for status in self.bridge.snapshot())


def outcomes(result):
    return [attempt.outcome for attempt in result.attempts]
