"""A whole runtime that listens nowhere, with a store and a transport of the test's own: requests walk it by hand.

walk = Walk(tmp_path)
x = walk.enter("chat")
assert at_once(walk.pipeline.identify(x, claim(walk.bearer(), None))) is None
"""

import json
from pathlib import Path
from typing import Any

from gateway.accounting.outcome import Outcome
from gateway.config import load_config
from gateway.core.clock import ManualClock
from gateway.core.ids import new_id
from gateway.core.units import Amounts
from gateway.dialects import DIALECTS
from gateway.engine.verdict import Verdict
from gateway.exchange import Exchange
from gateway.identity.authenticate import claim
from gateway.runtime import Runtime
from gateway.server.routes import ROUTE_NAMES
from gateway.stores.base import StoreUnavailable
from gateway.stores.memory import MemoryStore
from gateway.upstreams.base import Answer, Call
from gateway.upstreams.bridge import Bridge
from tests.support.running import write_files
from tests.support.talking import PROMPTS, stopped

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}


class FailingStore(MemoryStore):
    """The store in memory, which notes what it is asked and fails at what `failing` names."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.failing: set[str] = set()
        self.calls: list[tuple[str, Any]] = []

    def _called(self, name: str, what: Any) -> None:
        self.calls.append((name, what))
        if name in self.failing:
            raise StoreUnavailable("down")

    async def reserve(
        self, reservation_id: str, specs: Any, amounts: Amounts, on_expiry: Amounts, ttl_ms: int
    ) -> Verdict:
        self._called("reserve", dict(amounts))
        return await super().reserve(reservation_id, specs, amounts, on_expiry, ttl_ms)

    async def top_up(self, reservation_id: str, amounts: Amounts) -> Verdict:
        self._called("top_up", dict(amounts))
        return await super().top_up(reservation_id, amounts)

    async def peek(self, specs: Any) -> Any:
        self._called("peek", None)
        return await super().peek(specs)

    def settle(self, reservation_id: str, actual: Amounts) -> None:
        self.calls.append(("settle", dict(actual)))
        super().settle(reservation_id, actual)

    def named(self, name: str) -> list[Any]:
        return [what for call, what in self.calls if call == name]


def at_once(coroutine: Any) -> Any:
    """What a coroutine returns that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    coroutine.close()
    raise AssertionError("it waits for something")


class FakeAnswer:
    """A response that is all here already; a chunk may also be an exception to raise."""

    def __init__(self, *chunks: Any, status: int = 200, content_type: str = "application/json") -> None:
        self.status = status
        self.headers = {"content-type": content_type}
        self._chunks = list(chunks)
        self.ends: list[str] = []

    async def read(self) -> bytes:
        return b"".join([chunk async for chunk in self.chunks()])

    async def chunks(self) -> Any:
        while self._chunks:
            chunk = self._chunks.pop(0)
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk

    def finish(self) -> None:
        self.ends.append("finish")

    def abort(self) -> None:
        self.ends.append("abort")


class FakeTransport:
    """Answers with what `answers` holds, the last one again and again."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.sent: list[Call] = []
        self.closed = False

    async def send(self, call: Call) -> Answer:
        self.sent.append(call)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def close(self) -> None:
        self.closed = True


class Walk:
    """The rooms of one runtime, and exchanges to send through them."""

    def __init__(self, folder: Path, **files: Any) -> None:
        self.clock = stopped()
        self.keys, self.admin_token = write_files(folder, "http://127.0.0.1:9/v1", **files)
        self.runtime = Runtime(load_config(folder / "gateway.yaml", env={}).settings, ROUTE_NAMES, self.clock)
        self.pipeline = self.runtime.pipeline
        self.store = self.runtime.store = self.pipeline.scales.store = FailingStore(self.clock)
        self.transport = FakeTransport()
        self.pipeline.bridge = Bridge(
            self.runtime._connections.upstreams, lambda _: self.transport, self.clock, self.runtime.events, lambda: 0.5
        )

    def bearer(self, account: str = "acme") -> str:
        return f"Bearer {self.keys[account]}"

    def enter(self, dialect: str = "chat", **headers: str) -> Exchange:
        chosen = BY_NAME[dialect]
        own_id = new_id("req-")
        return Exchange(
            own_id=own_id, request_id=own_id, route=dialect, family=chosen.family, snapshot=self.runtime.snapshot,
            headers=headers, started_at=self.clock.monotonic(), started_ms=self.clock.now_ms(), dialect=chosen,
        )  # fmt: skip

    def body(self, dialect: str = "chat", **more: Any) -> bytes:
        return json.dumps({"model": "sim-small", **PROMPTS[dialect], **more}).encode()

    def ruled(self, dialect: str = "chat", account: str = "acme", **more: Any) -> Exchange:
        """An exchange that has come as far as the rule book."""
        x = self.enter(dialect)
        assert at_once(self.pipeline.identify(x, claim(self.bearer(account), None))) is None
        assert self.pipeline.read(x, self.body(dialect, **more)) is None
        assert self.pipeline.rule(x) is None
        return x

    async def forwarded(self, answer: FakeAnswer, dialect: str = "chat", **more: Any) -> Exchange:
        """An exchange whose answer's head is here."""
        x = self.ruled(dialect, **more)
        assert await self.pipeline.reserve(x) is None
        self.transport.answers = [answer]
        assert await self.pipeline.forward(x) is None
        return x

    def finish(self, x: Exchange, outcome: Outcome) -> None:
        """To the very end: also what the turn of the loop would leave for its end."""
        self.pipeline.finish(x, outcome)
        self.pipeline.aftermath.catch_up()

    def records(self) -> list[Any]:
        return self.runtime.ring.newest(100)
