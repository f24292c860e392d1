"""What the caller hears when no upstream may be asked."""

from collections.abc import Sequence

from gateway.core import reasons
from gateway.core.refusal import Refusal
from gateway.upstreams import faults
from gateway.upstreams.pick import soonest
from gateway.upstreams.upstream import Upstream


def nobody(
    left: Sequence[Upstream], model: str, now: float, refusal: Refusal | None, passed: Sequence[Refusal]
) -> Refusal:
    """No upstream may be asked any more. Where some were passed over, what ends soonest is worth telling."""
    if not passed:
        return refusal or _waiting(left, model, now)
    several: list[Refusal] = [*passed]
    if left:
        several.append(_waiting(left, model, now))
    if refusal is not None:
        several.insert(0, refusal)
    return min(several, key=lambda one: (one.retry_after_ms is None, one.retry_after_ms or 0))


def _waiting(left: Sequence[Upstream], model: str, now: float) -> Refusal:
    """Each of them is open, paused or full."""
    wait = soonest([upstream.candidate(now, model) for upstream in left])
    wait_ms = faults.DEFAULT_WAIT_MS if wait is None else max(faults.DEFAULT_WAIT_MS, round(wait * 1000))
    breakers = [upstream.breaker for upstream in left if not upstream.full]
    if left and all(breaker.paused(now, model) and not breaker.open for breaker in breakers):
        return Refusal(reasons.UPSTREAM_BUSY, "the model server is busy; try again shortly", retry_after_ms=wait_ms)
    message = "no model server can take the request now"
    return Refusal(reasons.UPSTREAM_UNAVAILABLE, message, retry_after_ms=wait_ms)
