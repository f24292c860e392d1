"""How much of everything a run does, and the one way in which it fails."""

from dataclasses import dataclass


class BenchFailed(Exception):  # noqa: N818 - named for what happened
    """No figures can be had; the message says why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Windows are short and many, and the targets take turns, so that a noisy minute hits all of them."""

    request_windows: int = 12
    rejection_windows: int = 6
    chunk_windows: int = 12
    delay_windows: int = 10
    window_s: float = 0.7
    connections: int = 64
    streams: int = 64
    chunk_pace_ms: int = 10
    idle_streams: int = 1000
    idle_pace_ms: int = 2000
    streams_per_s: int = 100
    chunks_per_stream: int = 10


QUICK = Plan(request_windows=2, rejection_windows=1, chunk_windows=2, delay_windows=2)
FULL = Plan()
