"""A verdict without room, told to the caller: which policy and limit, its size, by how much, and until when."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from gateway.core import reasons
from gateway.core.reasons import Reason
from gateway.core.refusal import Detail, Refusal
from gateway.core.units import Amounts, Unit, shown
from gateway.engine.spec import BudgetSpec, DistinctSpec, RateSpec, SlotSpec
from gateway.engine.verdict import Reading, Verdict
from gateway.policy.bound_limit import BoundLimit
from gateway.policy.plan import Plan, reason_of
from gateway.policy.wording import with_words
from gateway.policy.words import duration, quantity, size


class _Failing:
    __slots__ = ("limit", "needed", "reading")

    def __init__(self, limit: BoundLimit, reading: Reading, needed: int) -> None:
        self.limit = limit
        self.reading = reading
        self.needed = needed

    @property
    def order(self) -> tuple[bool, int]:
        """What never fits outlasts every wait."""
        wait = self.reading.wait_ms
        return wait is None, wait or 0


def refuse(plan: Plan, verdict: Verdict, amounts: Amounts, now_ms: int) -> Refusal:
    """The refusal of a verdict on `plan.specs` that was not granted. The longest wait decides, all are listed."""
    return refuse_limits(plan.limits, plan.revision, verdict, amounts, now_ms)


def refuse_limits(
    limits: Sequence[BoundLimit], revision: str, verdict: Verdict, amounts: Amounts, now_ms: int
) -> Refusal:
    """As `refuse`, for readings that belong to `limits` by index."""
    failing = [_failing(limits[index], verdict.readings[index], amounts) for index in verdict.failing]
    # Of equal waits the first by name, so that the same state always gives the same answer.
    worst = max(sorted(failing, key=lambda one: one.limit.rule), key=lambda one: one.order)
    limit, reading = worst.limit, worst.reading
    details: dict[str, Detail] = {"policy": limit.policy_id, "limit": limit.name, "revision": revision}
    if limit.disclose == "full":
        message = _message(worst, now_ms)
        details |= _numbers(worst, now_ms)
    else:
        message = f"policy '{limit.title}' allows no more for now"
        if reading.wait_ms is None:
            message = f"policy '{limit.title}' never allows a request of this size"
    if len(failing) > 1:
        details["failing"] = ", ".join(sorted(one.limit.rule for one in failing))
    return Refusal(
        reason=_reason(worst),
        message=with_words(message, limit.clause, limit.message, limit.contact, details),
        retry_after_ms=reading.wait_ms,
        details=details,
    )


def _failing(limit: BoundLimit, reading: Reading, amounts: Amounts) -> _Failing:
    unit = limit.spec.unit
    needed = 1 if reason_of(limit.spec) is reasons.CONCURRENCY_LIMIT_EXCEEDED else shown(unit, amounts.get(unit, 0))
    return _Failing(limit, reading, needed)


def _reason(failing: _Failing) -> Reason:
    return reasons.REQUEST_EXCEEDS_LIMIT if failing.reading.wait_ms is None else reason_of(failing.limit.spec)


def _message(failing: _Failing, now_ms: int) -> str:
    limit, reading = failing.limit, failing.reading
    spec = limit.spec
    says = f"policy '{limit.title}' allows {size(spec)} per {limit.scope} (limit '{limit.name}')"
    if reading.wait_ms is None:
        return f"{says}; this request needs {quantity(spec.unit, failing.needed)}, which it never allows at once"
    used = limit.size - reading.remaining
    counts = f"{quantity(spec.unit, used)} used, {quantity(spec.unit, failing.needed)} needed"
    if isinstance(spec, SlotSpec):
        return f"{says}; {counts}; try again when one has finished"
    return f"{says}; {counts}; try again at {_instant(now_ms + reading.wait_ms)} (in {duration(reading.wait_ms)})"


def _numbers(failing: _Failing, now_ms: int) -> dict[str, Detail]:
    limit, reading = failing.limit, failing.reading
    spec = limit.spec
    numbers: dict[str, Detail] = {
        "scope": limit.scope,
        "unit": "nano_usd" if spec.unit is Unit.USD else spec.unit.value,  # the numbers beside it
        "amount": spec.amount,
        "used": limit.size - reading.remaining,
        "remaining": reading.remaining,
        "needed": failing.needed,
    }
    if isinstance(spec, RateSpec):
        numbers |= {"window_s": spec.window_s, "burst": spec.burst}
    elif isinstance(spec, DistinctSpec):
        numbers |= {"window_s": spec.window_s}
    elif isinstance(spec, BudgetSpec):
        numbers |= {"period": spec.period.value, "zone": spec.zone}
    if reading.wait_ms is not None:
        numbers["reset"] = _instant(now_ms + reading.wait_ms)
    return numbers


def _instant(at_ms: int) -> str:
    """RFC 3339 in UTC, rounded up to the second: never a moment too early."""
    return _second(-(-at_ms // 1000))


@lru_cache(maxsize=256)  # in a flood of refusals most name the same few
def _second(since_epoch: int) -> str:
    return datetime.fromtimestamp(since_epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
