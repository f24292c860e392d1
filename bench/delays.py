"""What a caller waits for: the first chunk, and each later one, at a load that nobody finds hard."""

from bench.plan import Plan
from bench.report import table
from bench.stage import Stage
from bench.statistics import lower_quartile, percentile
from bench.streams import Seen, at_rate, request

_PACE_MS = 10
_SHARES = (0.5, 0.99)


async def delays(stage: Stage, plan: Plan) -> str:
    """Direct, nginx and the gateway in turn."""
    targets = (stage.direct, stage.nginx, stage.gateway)
    data = request(stage.key, plan.chunks_per_stream, _PACE_MS)
    windows: dict[str, list[Seen]] = {target.name: [] for target in targets}
    for window in range(plan.delay_windows + 1):
        for target in targets:
            seen = Seen()
            await at_rate(target.streams_port, data, plan.streams_per_s, plan.window_s, seen)
            if window:
                windows[target.name].append(seen)
    figures = {name: _figures(seen) for name, seen in windows.items()}
    direct = figures[stage.direct.name]
    rows = [
        [name, *(f"{value:.2f}" for value in values), *(f"{values[at] - direct[at]:+.2f}" for at in (0, 1, 2, 3))]
        for name, values in figures.items()
    ]
    return table(
        f"Delay in ms: {plan.streams_per_s} streams/s, {plan.chunks_per_stream} chunks each, {_PACE_MS} ms apart",
        (
            "target", "first p50", "first p99", "chunk p50", "chunk p99",
            "added: first p50", "first p99", "chunk p50", "chunk p99",
        ),
        rows,
    )  # fmt: skip


def _figures(windows: list[Seen]) -> list[float]:
    """First chunk p50 and p99, every chunk p50 and p99: of each window, then the lower quartile of the windows."""
    samples = ([seen.first_ns for seen in windows], [seen.chunk_ns for seen in windows])
    return [
        lower_quartile([percentile(values, share) for values in by_window]) / 1e6
        for by_window in samples
        for share in _SHARES
    ]
