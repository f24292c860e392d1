"""Which limits the ledger can keep exactly; policies ask before they compile one."""

from typing import Final
from zoneinfo import ZoneInfo

from gateway.core.units import Unit
from gateway.engine.bucket import DEBT
from gateway.engine.distinct import MAX_REMEMBERED
from gateway.engine.spec import BudgetSpec, DistinctSpec, RateSpec, SlotSpec, Spec
from gateway.engine.ticks import credits_per_unit

EXACT: Final = 1 << 53
"""Every store counts in integers, some of them inside doubles."""


def validate(spec: Spec) -> str | None:
    """What is wrong with a limit, as the end of a sentence; None when nothing is."""
    if not spec.key or spec.key.endswith("|audit"):
        return "a limit's key must not be empty nor end in '|audit'"
    if isinstance(spec, RateSpec):
        return _rate(spec)
    if isinstance(spec, BudgetSpec):
        return _budget(spec)
    if isinstance(spec, DistinctSpec):
        return _distinct(spec)
    return _slots(spec)


def _rate(spec: RateSpec) -> str | None:
    if spec.unit in (Unit.USD, Unit.CONCURRENT):
        return f"a rate cannot count {spec.unit}: use {'a budget' if spec.unit is Unit.USD else 'concurrency'}"
    if spec.window_s < 1 or spec.amount < 1 or spec.burst < 1:
        return "a rate's window, amount and burst must be at least 1"
    most = EXACT // (DEBT * credits_per_unit(spec.window_s))
    if spec.burst > most or spec.amount > most:
        return f"too large to count exactly: amount and burst may be at most {most} in a window of {spec.window_s} s"
    return None


def _budget(spec: BudgetSpec) -> str | None:
    if spec.unit is Unit.CONCURRENT:
        return "a budget cannot count concurrent: use concurrency"
    if not 0 <= spec.amount <= EXACT:
        return f"a budget must be between 0 and {EXACT} {'nano-dollars' if spec.unit is Unit.USD else spec.unit}"
    if not 1 <= spec.anchor_day <= 31:
        return f"the anchor day must be between 1 and 31, not {spec.anchor_day}"
    try:
        ZoneInfo(spec.zone)
    except (OSError, ValueError, KeyError):
        return f"unknown time zone {spec.zone!r}: expected an IANA name like 'Europe/Berlin'"
    return None


def _distinct(spec: DistinctSpec) -> str | None:
    most = MAX_REMEMBERED if spec.unit is Unit.DISTINCT_PROMPTS else EXACT
    if not 0 <= spec.amount <= most:
        return f"{spec.unit} must be between 0 and {most}"
    # Redis notes when a prompt whose output is paid leaves in minutes, which must not be longer than a hop.
    return None if spec.window_s >= 3600 else "a window must be at least an hour"


def _slots(spec: SlotSpec) -> str | None:
    return None if 0 <= spec.amount <= EXACT else f"concurrency must be between 0 and {EXACT}"
