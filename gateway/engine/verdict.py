"""What the ledger answers: one reading per limit, and whether all of them had room."""

from dataclasses import dataclass

from gateway.engine.spec import Spec


@dataclass(slots=True, init=False)
class Reading:
    """The state of one limit right after a call.

    `remaining` is whole units still available (negative while in debt). `reset_ms` is milliseconds until the
    limit is full again (rate), its period ends (budget), or 0 (slots). `wait_ms` is 0 when the request's
    amount fitted, the milliseconds after which it would fit, or None when it can never fit.
    """

    spec: Spec
    remaining: int
    reset_ms: int
    wait_ms: int | None

    # Written out, as Exchange is.
    def __init__(
        self,
        spec: Spec,
        remaining: int,
        reset_ms: int,
        wait_ms: int | None = 0,
    ) -> None:
        self.spec = spec
        self.remaining = remaining
        self.reset_ms = reset_ms
        self.wait_ms = wait_ms


@dataclass(slots=True, init=False)
class Verdict:
    """The answer to a reserve or top-up: all or nothing.

    `failing` and `shadow_failing` are indexes into `readings` (same order as the specs asked for); a shadow
    limit never makes `granted` false. When `granted` is false nothing was changed. `fallback` says that the store
    was lost and the limits' own stances decided.
    """

    granted: bool
    readings: tuple[Reading, ...]
    failing: tuple[int, ...]
    shadow_failing: tuple[int, ...]
    fallback: bool

    # Written out, as Exchange is.
    def __init__(
        self,
        granted: bool,
        readings: tuple[Reading, ...],
        failing: tuple[int, ...] = (),
        shadow_failing: tuple[int, ...] = (),
        fallback: bool = False,
    ) -> None:
        self.granted = granted
        self.readings = readings
        self.failing = failing
        self.shadow_failing = shadow_failing
        self.fallback = fallback


@dataclass(frozen=True, slots=True)
class Held:
    """A live reservation as operators see it."""

    id: str
    keys: tuple[str, ...]
    amounts: dict[str, int]
    reserved_at_ms: int
    expires_at_ms: int
