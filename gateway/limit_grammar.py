"""How a limit is written, whosever it is, and what it is to the ledger. Policies add whose use it counts."""

from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from gateway.core.units import Unit
from gateway.engine.spec import BudgetSpec, DistinctSpec, Period, RateSpec, SlotSpec, Spec
from gateway.scalars import Amount, ModelSet, NanoDollars, Seconds, Zone
from gateway.validate import Strict

UNBOUND: Final = "*"
"""The state key of a limit before it is known whose use it counts."""
CountedUnit = Literal[
    "requests", "input_tokens", "output_tokens", "total_tokens", "reasoning_tokens", "logprob_requests"
]


class Rate(Strict):
    """A token bucket: `amount` units per `window`, at most `burst` at once."""

    unit: CountedUnit = Field(description="What is counted.")
    amount: Amount = Field(description="Units per window.")
    window: Seconds = Field(description="Duration: 1m, 1h or another.")
    burst: Amount | None = Field(default=None, description="Most units at once; the amount when absent.")
    models: ModelSet = "all"


class Slots(Strict):
    """Concurrency: at most `amount` requests in flight."""

    unit: Literal["concurrent"] = Field(description="Requests in flight.")
    amount: Amount = Field(description="Most requests at a time.")
    models: ModelSet = "all"


class Prompts(Strict):
    """What is new: distinct prompts, or the output tokens of each prompt once, in a hopping window."""

    unit: Literal["distinct_prompts", "unique_output_tokens"] = Field(description="What is counted.")
    amount: Amount = Field(description="Units in a window.")
    window: Annotated[Seconds, Field(ge=3600, le=90 * 86_400)] = Field(description="Duration from 1h to 90d.")
    models: ModelSet = "all"


class _Calendar(Strict):
    """What both kinds of budget share."""

    period: Literal["day", "month"] = Field(description="After which it starts anew.")
    zone: Zone = Field(default="UTC", description="IANA zone in which the period starts at midnight.")
    anchor_day: Annotated[int, Field(ge=1, le=31)] | None = Field(
        default=None, description="Day of the month on which a month starts; 29 to 31 clamp to the month's end."
    )
    models: ModelSet = "all"

    @model_validator(mode="after")
    def _anchor_is_monthly(self) -> "_Calendar":
        if self.anchor_day is not None and self.period != "month":
            raise ValueError("anchor_day goes with period: month")
        return self


class Count(_Calendar):
    """At most `amount` units in a calendar period."""

    unit: CountedUnit = Field(description="What is counted.")
    amount: Amount = Field(description="Units in a period.")


class Money(_Calendar):
    """At most `amount` dollars in a calendar period."""

    unit: Literal["usd"] = Field(description="Dollars.")
    amount: NanoDollars = Field(description="Dollars, for example 25 or 0.50.")


def limit_spec(limit: Rate | Slots | Prompts, *, shadow: bool) -> Spec:
    """A limit as the ledger sees it, on no counter yet."""
    if isinstance(limit, Slots):
        return SlotSpec(UNBOUND, limit.amount, shadow)
    if isinstance(limit, Prompts):
        return DistinctSpec(UNBOUND, Unit(limit.unit), limit.amount, limit.window, shadow)
    burst = limit.amount if limit.burst is None else limit.burst
    return RateSpec(UNBOUND, Unit(limit.unit), limit.amount, limit.window, burst, shadow)


def budget_spec(budget: Count | Money, *, shadow: bool) -> Spec:
    """A budget as the ledger sees it, on no counter yet. Money is in nano-dollars."""
    unit = Unit.USD if isinstance(budget, Money) else Unit(budget.unit)
    anchor = budget.anchor_day or 1
    return BudgetSpec(UNBOUND, unit, budget.amount, Period(budget.period), budget.zone, anchor, shadow)


def window_key(limit: Rate | Slots | Prompts | Count | Money) -> str:
    """The part of a state key that says over which time is counted."""
    if isinstance(limit, Slots):
        return ""
    if isinstance(limit, Rate | Prompts):
        return f"{limit.window}s"
    window = f"{limit.period}:{limit.zone}"
    return f"{window}:{limit.anchor_day or 1}" if limit.period == "month" else window
