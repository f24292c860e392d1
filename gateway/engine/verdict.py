"""What the ledger answers: one reading per limit, and whether all of them had room.

Readings and verdicts are made on every request, a dozen at a time: a `Struct` costs half of what a dataclass does.
"""

from dataclasses import dataclass

from msgspec import Struct

from gateway.engine.spec import Spec


class Reading(Struct, gc=False):
    """The state of one limit right after a call.

    `remaining` is whole units still available (negative while in debt). `reset_ms` is milliseconds until the
    limit is full again (rate), its period ends (budget), or 0 (slots). `wait_ms` is 0 when the request's
    amount fitted, the milliseconds after which it would fit, or None when it can never fit.
    """

    spec: Spec
    remaining: int
    reset_ms: int
    wait_ms: int | None = 0


class Verdict(Struct):
    """The answer to a reserve or top-up: all or nothing.

    `failing` and `shadow_failing` are indexes into `readings` (same order as the specs asked for); a shadow
    limit never makes `granted` false. When `granted` is false nothing was changed. `fallback` says that the store
    was lost and the limits' own stances decided.
    """

    granted: bool
    readings: tuple[Reading, ...]
    failing: tuple[int, ...] = ()
    shadow_failing: tuple[int, ...] = ()
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """A live reservation as operators see it."""

    id: str
    keys: tuple[str, ...]
    amounts: dict[str, int]
    reserved_at_ms: int
    expires_at_ms: int
