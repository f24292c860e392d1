"""The words of the reference model: what it is asked with and what it answers.

Limits are the engine's specs, told apart by what they have (a vocabulary, not code): a rate has a burst, a budget a
period, what is new its unit.
"""

from dataclasses import dataclass
from typing import NamedTuple


class Answer(NamedTuple):
    """A verdict; each reading is (remaining, reset, wait)."""

    granted: bool
    readings: list
    failing: list
    shadow_failing: list


def answered(verdict):
    """What a store said, in the same words."""
    readings = [(reading.remaining, reading.reset_ms, reading.wait_ms) for reading in verdict.readings]
    return Answer(verdict.granted, readings, list(verdict.failing), list(verdict.shadow_failing))


@dataclass
class Part:
    """What a reservation took from one limit."""

    spec: object
    amount: int
    label: str = ""
    end: int = 0


@dataclass
class RefReservation:
    since: int
    parts: dict  # state key -> Part
    on_expiry: dict
    expires: int
    answer: Answer | None


def key_of(spec):
    return spec.key + ("#shadow" if spec.shadow else "")


def is_rate(spec):
    return hasattr(spec, "burst")


def is_budget(spec):
    return hasattr(spec, "period")


def is_new(spec):
    return spec.unit in {"distinct_prompts", "unique_output_tokens"}
