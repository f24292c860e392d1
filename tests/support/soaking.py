"""Callers of streams who stay, leave, or do neither: many of them against a gateway in another process.

Every request has an id of its own (`x-request-id`), so that what became of it can be looked up in the decision log.
"""

import asyncio
import json
import random
import re
from dataclasses import dataclass, field
from typing import cast

PATH = "/v1/chat/completions"
PATIENCE_S = 30.0
"""A caller who is neither answered nor sent away in this time has found a hang."""
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_ENDING = b"0\r\n\r\n"


@dataclass(slots=True)
class Tally:
    """What callers saw, by request id."""

    begun: int = 0
    """Requests of which something was written."""
    sent: int = 0
    """Those whose last byte was written."""
    answered: set[str] = field(default_factory=set)
    """Answered with a 200: its head was read."""
    whole: set[str] = field(default_factory=set)
    """Read to the end."""
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.begun += other.begun
        self.sent += other.sent
        self.answered |= other.answered
        self.whole |= other.whole
        self.wrong += other.wrong


class Caller(asyncio.Protocol):
    """One connection: some requests read to their end, then one that may be left. `over` is done when it is closed."""

    def __init__(self, tally: Tally, key: str, picks: random.Random, name: str) -> None:
        loop = asyncio.get_running_loop()
        self.over: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._tally = tally
        self._key = key
        self._picks = picks
        self._name = name
        self._left = picks.choice((1, 1, 2, 3))
        self._number = 0
        self._seen = 0
        self._tail = b""
        self._id = ""
        self._leave_at: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = cast("asyncio.Transport", transport)
        self._ask()

    def connection_lost(self, _exc: BaseException | None) -> None:
        if not self.over.done():
            self.over.set_result(None)

    def data_received(self, data: bytes) -> None:
        if not self._seen:
            status = _STATUS.match(data)
            if status is None or status[1] != b"200":
                self._tally.wrong.append(f"{self._id}: {data[:200]!r}")
                self._wire.abort()
                return
            self._tally.answered.add(self._id)
        self._seen += len(data)
        self._tail = (self._tail + data)[-len(_ENDING) - 16 :]
        if self._tail.endswith(_ENDING):
            if b"[DONE]" not in self._tail + data:
                self._tally.wrong.append(f"{self._id}: no ending: {data[-200:]!r}")
            self._tally.whole.add(self._id)
            self._ask() if self._left else self._wire.close()
        elif self._leave_at is not None and self._seen >= self._leave_at:
            self._leave()

    def _ask(self) -> None:
        self._left -= 1
        self._number += 1
        self._seen, self._tail = 0, b""
        self._id = f"soak-{self._name}-{self._number}"
        picks = self._picks
        body = json.dumps(
            {
                "model": "sim-small", "stream": True,
                "max_tokens": picks.randint(2, 12), "seed": picks.choice((0, 0, 1, 3)),
                "messages": [{"role": "user", "content": f"question {self._id} " * picks.choice((1, 1, 8))}],
            }
        ).encode()  # fmt: skip
        request = (
            f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._key}\r\nX-Request-Id: {self._id}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body
        self._leave_at = None
        self._tally.begun += 1
        how = picks.random() if not self._left else 1.0
        if how < 0.04:
            self._wire.write(request[: picks.randrange(1, len(request))])
            self._leave()
            return
        self._wire.write(request)
        self._tally.sent += 1
        if how < 0.10:
            self._leave()
        elif how < 0.25:
            self._loop.call_later(picks.random() * 0.02, self._leave)
        elif how < 0.60:
            self._leave_at = picks.choice((1, 200, 400, 900, 1800, 3000))
        elif how < 0.63:
            self._wire.pause_reading()
            self._loop.call_later(picks.random() * 0.1, self._leave)

    def _leave(self) -> None:
        """With a reset where something is unread, or with an end in good order."""
        if self._picks.random() < 0.5:
            self._wire.abort()
        else:
            self._wire.close()


async def soak(port: int, key: str, *, streams: int, at_once: int, seed: int) -> Tally:
    """At least so many requests. Raises TimeoutError for a caller that is left hanging."""
    tally, place = Tally(), asyncio.Semaphore(at_once)
    loop = asyncio.get_running_loop()
    under_way: set[asyncio.Task[None]] = set()

    async def one(number: int) -> None:
        try:
            picks = random.Random(seed * 1_000_003 + number)
            name = f"{seed}-{number}"
            _, caller = await loop.create_connection(lambda: Caller(tally, key, picks, name), "127.0.0.1", port)
            async with asyncio.timeout(PATIENCE_S):
                await caller.over
        finally:
            place.release()

    number = 0
    while tally.sent < streams and not tally.wrong:
        await place.acquire()
        task = asyncio.create_task(one(number))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        number += 1
    await asyncio.gather(*under_way)
    return tally
