"""What a client towards the upstream costs: `python -m bench.pool [--quick]`. Nothing is asserted.

Our own pool, aiohttp's client and a bare protocol that looks at nothing take turns in one process on one core; nginx
answers on another. The bare protocol is what the loop and the sockets cost whoever uses them. CPU is that of this
process. A call costs the same head and body with each; the answer is read to its end and its connection given back.
"""

import argparse
import asyncio
import gc
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import cast

from bench import nginx
from bench.loop import new_loop
from bench.plan import BenchFailed, Plan
from bench.process import child, cores, free_ports, pinned, port_said
from bench.report import ratio, spread, table
from bench.stage import Stage, find_tools
from gateway.upstreams import TRANSPORTS
from gateway.upstreams.base import Answer, Call, Transport
from gateway.upstreams.settings import UpstreamSettings

_READY = re.compile(r"^mock ready: port (\d+)", re.MULTILINE)
_CALLERS, _STREAMS, _PACE_MS = 16, 64, 10
_WINDOW_S, _WARM_S = 0.4, 0.15
_WINDOWS, _QUICK = 24, 3
_BODY = b'{"model":"bench-model","messages":[{"role":"user","content":"%s"}]}' % (b"How is spirit gauged? " * 40)
_HEADERS = {
    "content-type": "application/json", "user-agent": "excise-gateway", "accept-encoding": "identity",
    "authorization": "Bearer sk-0123456789abcdef0123456789abcdef", "accept": "application/json",
    "x-request-id": "req-0123456789abcdef0123456789",
}  # fmt: skip
_PATH = "/v1/chat/completions"
NAMES = ("bare protocol", *TRANSPORTS)


class Bare(asyncio.Protocol):
    """One connection, one exchange at a time; an answer is whole when it has `size` bytes, a chunk is one read."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiter: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(data)

    async def read(self) -> bytes:
        self._waiter = self._loop.create_future()
        return await self._waiter


def _call(body: bytes, *, stream: bool) -> Call:
    return Call("POST", _PATH, dict(_HEADERS), body, stream)


def _raw(body: bytes, port: int) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in _HEADERS.items())
    start = f"POST {_PATH} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{lines}content-length: {len(body)}\r\n\r\n"
    return start.encode() + body


async def pool(stage: Stage, plan: Plan) -> str:
    """As one of the figures of `python -m bench`."""
    return await measure(stage.direct.answers_port, stage.direct.streams_port, plan.chunk_windows)


async def measure(answers: int, streams: int, windows: int, seconds: float = _WINDOW_S) -> str:
    """Both tables. `answers` and `streams` are ports of 127.0.0.1."""
    exchanges = await _in_turn(_exchanges, answers, windows, seconds)
    chunks = await _in_turn(_chunks, streams, windows, seconds)
    return "\n".join(
        [
            _rows(
                f"Small exchanges: 1 KB out, {len(nginx.ANSWER)} bytes in, {_CALLERS} callers", "exchange", exchanges
            ),
            _rows(f"Chunks of {_STREAMS} streams, {_STREAMS * 1000 // _PACE_MS:,} a second in all", "chunk", chunks),
        ]
    )


def _rows(title: str, what: str, costs: dict[str, list[float]]) -> str:
    header = ("client", f"CPU µs/{what} best / quartile / median", "× aiohttp")
    return table(title, header, [[n, spread(v), ratio(v, costs["aiohttp"])] for n, v in costs.items()])


async def _in_turn(
    window: Callable[[str, int, float], Awaitable[float]], port: int, windows: int, seconds: float
) -> dict[str, list[float]]:
    costs: dict[str, list[float]] = {name: [] for name in NAMES}
    for number in range(windows + 1):
        for name in NAMES:
            gc.collect()
            cost = await window(name, port, seconds)
            if number:  # the first one warms up
                costs[name].append(cost)
    return costs


def _transport(name: str, port: int) -> Transport:
    settings = UpstreamSettings("bench", "generic", f"http://127.0.0.1:{port}", frozenset({"chat"}))
    return TRANSPORTS[name](settings)


async def _exchanges(name: str, port: int, seconds: float) -> float:
    """CPU µs of one."""
    loop = asyncio.get_running_loop()
    done = 0
    transport = None if name == NAMES[0] else _transport(name, port)
    until = loop.time() + _WARM_S
    measuring = False

    async def bare() -> None:
        nonlocal done
        _, line = await loop.create_connection(lambda: Bare(loop), "127.0.0.1", port)
        data = _raw(_BODY, port)
        while loop.time() < until or measuring:
            line.transport.write(data)
            answer = await line.read()
            if not answer.endswith(b"}"):
                raise BenchFailed("an answer came in pieces")
            done += 1
        line.transport.abort()

    async def client(transport: Transport) -> None:
        nonlocal done
        while loop.time() < until or measuring:
            answer = await transport.send(_call(_BODY, stream=False))
            if len(await answer.read()) != len(nginx.ANSWER):
                raise BenchFailed("an answer is not what it should be")
            answer.finish()
            done += 1

    callers = [asyncio.ensure_future(bare() if transport is None else client(transport)) for _ in range(_CALLERS)]
    measuring = True
    await asyncio.sleep(_WARM_S)
    before, first = time.process_time_ns(), done
    await asyncio.sleep(seconds)
    used, came = time.process_time_ns() - before, done - first
    measuring = False
    await asyncio.gather(*callers)
    if transport is not None:
        await transport.close()
    return used / 1000 / came


async def _chunks(name: str, port: int, seconds: float) -> float:
    """CPU µs of one, each sent on its own."""
    loop = asyncio.get_running_loop()
    came = 0
    many = round((_WARM_S + seconds + 5.0) * 1000 / _PACE_MS)
    body = b'{"max_tokens": %d, "seed": %d}' % (many, _PACE_MS)
    transport = None if name == NAMES[0] else _transport(name, port)
    answers: list[Answer] = []

    async def pieces(transport: Transport | None) -> AsyncIterator[bytes]:
        if transport is None:
            _, line = await loop.create_connection(lambda: Bare(loop), "127.0.0.1", port)
            line.transport.write(_raw(body, port))
            try:
                while True:
                    yield await line.read()
            finally:
                line.transport.abort()
        else:
            answer = await transport.send(_call(body, stream=True))
            answers.append(answer)
            async for piece in answer.chunks():
                yield piece

    async def reader(number: int) -> None:
        nonlocal came
        await asyncio.sleep(number * _PACE_MS / 1000 / _STREAMS)
        async for _ in pieces(transport):
            came += 1

    readers = [asyncio.ensure_future(reader(number)) for number in range(_STREAMS)]
    await asyncio.sleep(_WARM_S)
    before, first = time.process_time_ns(), came
    await asyncio.sleep(seconds)
    used, seen = time.process_time_ns() - before, came - first
    for task in readers:
        task.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    for answer in answers:
        answer.abort()
    if transport is not None:
        await transport.close()
    return used / 1000 / seen


def main(argv: list[str] | None = None) -> int:
    """Exit 0 with figures, 1 when they cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m bench.pool", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few windows: coarse")
    windows = _QUICK if parser.parse_args(argv).quick else _WINDOWS
    own, other = cores()
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, load average {os.getloadavg()[0]:.1f}.\n")
    try:
        program, _ = find_tools()
        with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder, ExitStack() as running:
            (answers,) = free_ports(1)
            mock = nginx.mock_server(answers)
            running.enter_context(nginx.nginx(program, Path(folder) / "mock", mock, answers, other))
            log = Path(folder) / "streams.log"
            paced = running.enter_context(child([sys.executable, "-m", "bench.mock_upstream"], other, log))
            streams = port_said(paced, log, _READY)
            running.enter_context(pinned(own))
            gc.set_threshold(10_000, 20, 20)  # as `serve` does
            with asyncio.Runner(loop_factory=new_loop) as runner:
                print(runner.run(measure(answers, streams, windows)))
    except BenchFailed as failed:
        print(f"bench: {failed}", file=sys.stderr)
        return 1
    print(f"Load average at the end {os.getloadavg()[0]:.1f}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
