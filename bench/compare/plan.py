"""How much of everything a comparison does."""

from dataclasses import dataclass

from bench.plan import Plan


@dataclass(frozen=True, slots=True)
class ComparePlan:
    """Every loop is bounded by one of these. Windows of wrk last a second."""

    windows: Plan
    """Of requests, refusals and chunks."""
    slow_requests: int
    """In a window of a target that answers a few dozen a second; all of them are awaited."""
    slow_warm_up: int
    open_windows: int
    open_s: float
    crowd_streams: int
    crowd_s: float
    """How long the crowd is watched, once all of it is there."""
    crowd_targets: int
    """So many of the targets, in their order."""
    starts: int
    slow_connections: int = 4
    open_per_s: int = 200
    crowd_pace_ms: int = 100
    crowd_ramp_s: float = 15.0
    """Beginning a stream costs a gateway as much as many chunks of it."""
    tight_requests: int = 1000
    """What the limit of an account holds that is asked for twice as much."""
    tight_tokens: int = 100_000


FULL = ComparePlan(
    windows=Plan(request_windows=16, rejection_windows=16, chunk_windows=16),
    slow_requests=24,
    slow_warm_up=24,
    open_windows=16,
    open_s=2.0,
    crowd_streams=5000,
    crowd_s=8.0,
    crowd_targets=5,
    starts=5,
)
QUICK = ComparePlan(
    windows=Plan(request_windows=2, rejection_windows=1, chunk_windows=2, window_s=0.5),
    slow_requests=8,
    slow_warm_up=8,
    open_windows=2,
    open_s=1.0,
    crowd_streams=1000,
    crowd_s=2.0,
    crowd_targets=3,
    starts=1,
    crowd_ramp_s=3.0,
)
