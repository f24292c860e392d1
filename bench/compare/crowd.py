"""Thousands of streams at once through one target: is every chunk there, how late, at what cost in CPU and memory."""

import asyncio
import math

from bench.compare.figures import Crowd
from bench.compare.plan import ComparePlan
from bench.measure import cpu_ns, pss_kib
from bench.plan import BenchFailed
from bench.stage import Target
from bench.statistics import percentile
from bench.streams import Connection, Seen, close_streams, connect, open_streams, request

_WARM_STREAMS = 20
_MARGIN_S = 1.0
_LATE_S = 30.0
_BATCH = 50
_SLACK = 1.5


async def crowd(target: Target, plan: ComparePlan) -> Crowd:
    """Streams begin evenly over the ramp; all of them are then open for as long as they are watched, and end.

    They are long enough for a ramp that takes half as long again. Raises BenchFailed when not all of them begin.
    """
    pace_s = plan.crowd_pace_ms / 1000
    each = math.ceil((_SLACK * plan.crowd_ramp_s + plan.crowd_s + _MARGIN_S) / pace_s)
    data = request(target.key, each, plan.crowd_pace_ms)
    port, count = target.streams_port, plan.crowd_streams
    await close_streams(await open_streams(port, data, _WARM_STREAMS, Seen()))
    before_kib = pss_kib(target.pid) if target.pid else 0
    seen, loop = Seen(), asyncio.get_running_loop()
    connections: list[Connection] = []
    try:
        await _begun(connections, port, data, plan, seen)
        await asyncio.sleep(_MARGIN_S / 2)
        seen.chunk_ns.clear()
        cpu, began = cpu_ns(target.pid) if target.pid else 0, loop.time()
        await asyncio.sleep(plan.crowd_s)
        took, used = loop.time() - began, (cpu_ns(target.pid) if target.pid else 0) - cpu
        delays = list(seen.chunk_ns)
        if not delays:
            raise BenchFailed(f"all {count:,} streams had begun, and then no chunk came")
        after_kib = pss_kib(target.pid) if target.pid else 0
        await _ends(connections, each * pace_s + _LATE_S)
    finally:
        await close_streams(connections)
    return Crowd(
        streams=count,
        expected=each * count,
        came=seen.chunks,
        per_s=len(delays) / took,
        p50_ms=percentile(delays, 0.5) / 1e6,
        p99_ms=percentile(delays, 0.99) / 1e6,
        cpu_share=used / 1e9 / took,
        kib_per_stream=(after_kib - before_kib) / count,
    )


async def _begun(connections: list[Connection], port: int, data: bytes, plan: ComparePlan, seen: Seen) -> None:
    """All of them, in the list. Raises BenchFailed where they begin too late to be watched together."""
    loop = asyncio.get_running_loop()
    count, start = plan.crowd_streams, loop.time()
    try:
        async with asyncio.timeout(plan.crowd_ramp_s + _LATE_S):
            await _open(connections, port, data, plan, seen)
    except (TimeoutError, OSError) as failed:
        some = f"{len(seen.first_ns):,} of {count:,} streams began in {plan.crowd_ramp_s + _LATE_S:g} s"
        raise BenchFailed(some) from failed
    took = loop.time() - start
    if took > _SLACK * plan.crowd_ramp_s:
        raise BenchFailed(f"all {count:,} streams had begun after {took:.1f} s only, the first had nearly ended")


async def _open(connections: list[Connection], port: int, data: bytes, plan: ComparePlan, seen: Seen) -> None:
    """Connections are made a few at a time shortly before their streams: a target may close those that say nothing."""
    loop = asyncio.get_running_loop()
    start, count = loop.time(), plan.crowd_streams
    for first in range(0, count, _BATCH):
        batch = await asyncio.gather(*(connect(port, seen) for _ in range(min(_BATCH, count - first))))
        connections += batch
        for index, connection in enumerate(batch, first):
            early_s = start + plan.crowd_ramp_s * index / count - loop.time()
            if early_s > 0:  # who is late does not wait for a turn of a busy loop as well
                await asyncio.sleep(early_s)
            connection.ask(data)
    await asyncio.gather(*(connection.begun for connection in connections))


async def _ends(connections: list[Connection], at_most_s: float) -> None:
    """Until every stream has ended or broken off, or the time is over: what did not come is counted, not awaited."""
    await asyncio.wait([asyncio.ensure_future(each.ended) for each in connections], timeout=at_most_s)
