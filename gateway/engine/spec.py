"""What a limit is to the ledger: a state key, a unit and a size. Policies compile to these.

`home` says whose limit it is, the org for all limits of its keys and accounts: a remote store keeps everything of one
home together, and decides on it in one atomic step. Stores of one process have no use for it.
"""

from dataclasses import dataclass
from enum import StrEnum

from gateway.core.units import Unit


class Period(StrEnum):
    """Calendar periods a budget may have."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class RateSpec:
    """A token bucket: `amount` units per `window_s` seconds, at most `burst` units at once.

    `shadow` marks a limit in audit mode: it keeps a state of its own and never denies.
    """

    key: str
    unit: Unit
    amount: int
    window_s: int
    burst: int
    shadow: bool = False
    home: str = ""


@dataclass(frozen=True, slots=True)
class BudgetSpec:
    """A calendar counter: at most `amount` units from one period start to the next in an IANA zone.

    `anchor_day` (months only) is the day of month on which a period starts; 29–31 clamp to the month's end.
    """

    key: str
    unit: Unit
    amount: int
    period: Period
    zone: str = "UTC"
    anchor_day: int = 1
    shadow: bool = False
    home: str = ""


@dataclass(frozen=True, slots=True)
class SlotSpec:
    """Concurrency: at most `amount` live leases; unit is always `concurrent`, one lease a reservation."""

    key: str
    amount: int
    shadow: bool = False
    unit: Unit = Unit.CONCURRENT
    home: str = ""


@dataclass(frozen=True, slots=True)
class DistinctSpec:
    """At most `amount` distinct prompts, or output tokens of prompts that were new, in a hopping window.

    See engine/distinct.py; `unit` is `distinct_prompts` or `unique_output_tokens`.
    """

    key: str
    unit: Unit
    amount: int
    window_s: int
    shadow: bool = False
    home: str = ""


Spec = RateSpec | BudgetSpec | SlotSpec | DistinctSpec
