"""What a comparison found, before it is made into tables."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Served:
    """Windows of whole answers: requests per second, and CPU µs of the target for each."""

    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Waits:
    """Windows of the open loop: milliseconds from the instant at which a request was due."""

    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Many streams at once."""

    streams: int
    expected: int
    came: int
    per_s: float
    """Chunks per second while all streams were open."""
    p50_ms: float
    p99_ms: float
    cpu_share: float
    """Of one core; 0 where there is no proxy."""
    kib_per_stream: float

    @property
    def lost(self) -> int:
        return self.expected - self.came


@dataclass(slots=True)
class Starts:
    """Seconds from the start of the process to the first answer, and MiB a second after it."""

    seconds: list[float] = field(default_factory=list)
    mib: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Overshoot:
    """A limit that was used up under load."""

    limit: int
    used: int

    @property
    def over(self) -> int:
        return max(0, self.used - self.limit)


@dataclass(slots=True)
class Figures:
    """By the name of the target, unless said otherwise."""

    limits: dict[str, int] = field(default_factory=dict)
    """Of the account that carries the load, by the policy that sets them."""
    requests: dict[str, Served] = field(default_factory=dict)
    chunks: dict[str, list[float]] = field(default_factory=dict)
    refusals: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    """By target and answer: CPU µs."""
    waits: dict[str, Waits] = field(default_factory=dict)
    crowds: dict[str, Crowd] = field(default_factory=dict)
    failed_crowds: dict[str, str] = field(default_factory=dict)
    """Why there are no figures of a crowd that could not be carried."""
    starts: dict[str, Starts] = field(default_factory=dict)
    overshoots: dict[tuple[str, str], Overshoot] = field(default_factory=dict)
    """By target and unit."""
