"""CPU per chunk of a stream, each chunk sent on its own."""

import asyncio
from collections.abc import Sequence

from bench.measure import cpu_ns
from bench.plan import Plan
from bench.report import ratio, spread, table
from bench.stage import Stage, Target
from bench.streams import Seen, close_streams, open_streams, request

_WARM_S = 0.15


async def chunks(stage: Stage, plan: Plan) -> str:
    """nginx and the gateway in turn."""
    costs = await measure((stage.nginx, stage.gateway), plan)
    base = costs[stage.nginx.name]
    rows = [[name, spread(values), ratio(values, base)] for name, values in costs.items()]
    per_s = plan.streams * 1000 // plan.chunk_pace_ms
    return table(
        f"Stream chunks: {plan.streams} streams, {per_s:,} chunks/s in all, usage metered by the gateway",
        ("target", "CPU µs/chunk best / quartile / median", "× nginx"),
        rows,
    )


async def measure(targets: Sequence[Target], plan: Plan) -> dict[str, list[float]]:
    """CPU µs per chunk of each, in turn."""
    costs: dict[str, list[float]] = {target.name: [] for target in targets}
    for window in range(plan.chunk_windows + 1):
        for target in targets:
            cost = await _window(target, plan)
            if window:  # the first one warms up
                costs[target.name].append(cost)
    return costs


async def _window(target: Target, plan: Plan) -> float:
    """Opening and closing are not in it."""
    seen = Seen()
    many = round((_WARM_S + plan.window_s + 5.0) * 1000 / plan.chunk_pace_ms)
    data = request(target.key, many, plan.chunk_pace_ms)
    spread_s = plan.chunk_pace_ms / 1000
    connections = await open_streams(target.streams_port, data, plan.streams, seen, spread_s=spread_s)
    await asyncio.sleep(_WARM_S)
    before, chunks_before = cpu_ns(target.process()), seen.chunks
    await asyncio.sleep(plan.window_s)
    used, came = cpu_ns(target.process()) - before, seen.chunks - chunks_before
    await close_streams(connections)
    return used / 1000 / came
