"""What a limit counts. An amount is an integer number of a unit; money is integer nano-dollars."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Unit(StrEnum):
    """One countable thing. The value is what policies, metrics and headers say."""

    REQUESTS = "requests"
    INPUT_TOKENS = "input_tokens"
    OUTPUT_TOKENS = "output_tokens"
    TOTAL_TOKENS = "total_tokens"
    USD = "usd"
    CONCURRENT = "concurrent"


Amounts = Mapping[Unit, int]

NANO: Final = 1_000_000_000
"""Nano-dollars in a dollar."""
