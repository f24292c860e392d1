"""Ranges as policies write them: `{at_least: 5}`, `{below: 7d}`, or both. Half-open, so that two rules can meet."""

from collections.abc import Callable
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from gateway.scalars import Seconds
from gateway.validate import Strict

Whole = Annotated[int, Field(ge=0, le=1 << 53)]
Number = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]


class _Range(Strict):
    """At least one end."""

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        low, high = getattr(self, "at_least"), getattr(self, "below")  # noqa: B009 - declared by each kind below
        if low is None and high is None:
            raise ValueError("expected at_least, below or both")
        if low is not None and high is not None and low >= high:
            raise ValueError(f"nothing is at least {low} and below {high}")
        return self


class Count(_Range):
    """A range of whole numbers."""

    at_least: Whole | None = Field(default=None, description="This or more.")
    below: Whole | None = Field(default=None, description="Less than this.")


class Quantity(_Range):
    """A range of numbers."""

    at_least: Number | None = Field(default=None, description="This or more.")
    below: Number | None = Field(default=None, description="Less than this.")


class Duration(_Range):
    """A range of durations."""

    at_least: Seconds | None = Field(default=None, description="This long or longer, such as 7d.")
    below: Seconds | None = Field(default=None, description="Shorter than this.")


def inside(bound: Count | Quantity | Duration) -> Callable[[float], bool]:
    """The range as a test."""
    low: Any = bound.at_least
    high: Any = bound.below
    if low is None:
        return lambda value: value < high
    if high is None:
        return lambda value: value >= low
    return lambda value: low <= value < high
