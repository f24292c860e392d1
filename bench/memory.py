"""Memory of a stream that is open and nearly idle. Measured first, while the processes are fresh."""

import asyncio

from bench.measure import pss_kib
from bench.plan import Plan
from bench.report import table
from bench.stage import Stage, Target
from bench.streams import Seen, close_streams, open_streams, request

_WARM_STREAMS = 20


async def memory(stage: Stage, plan: Plan) -> str:
    rows = []
    nginx_kib = 0.0
    for target in (stage.nginx, stage.gateway):
        before, per_stream = await _measure(stage, target, plan)
        nginx_kib = nginx_kib or per_stream
        rows.append([target.name, f"{before / 1024:.1f}", f"{per_stream:.1f}", f"{per_stream / nginx_kib:.2f}×"])
    return table(
        f"Memory: {plan.idle_streams:,} open streams, a chunk every {plan.idle_pace_ms / 1000:g} s",
        ("target", "MiB before", "KiB per stream", "× nginx"),
        rows,
    )


async def _measure(stage: Stage, target: Target, plan: Plan) -> tuple[int, float]:
    seen = Seen()
    data = request(stage.key, 1000, plan.idle_pace_ms)
    port = target.streams_port
    await close_streams(await open_streams(port, data, _WARM_STREAMS, seen))
    before = pss_kib(target.process())
    connections = await open_streams(port, data, plan.idle_streams, seen)
    await asyncio.sleep(plan.idle_pace_ms / 1000 * 1.2)  # every stream has dripped once more
    after = pss_kib(target.process())
    await close_streams(connections)
    return before, (after - before) / plan.idle_streams
