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
    REASONING_TOKENS = "reasoning_tokens"
    LOGPROB_REQUESTS = "logprob_requests"
    """Requests that ask for log probabilities."""
    DISTINCT_PROMPTS = "distinct_prompts"
    """Prompts not seen before in the window; an amount names the prompt, see `prompt_amount`."""
    UNIQUE_OUTPUT_TOKENS = "unique_output_tokens"
    """Output tokens of requests whose prompt was new; an amount names the prompt too."""


Amounts = Mapping[Unit, int]

NANO: Final = 1_000_000_000
"""Nano-dollars in a dollar."""

_TOKEN_BITS: Final = 40
_TOKENS: Final = (1 << _TOKEN_BITS) - 1


def prompt_amount(fingerprint: int, tokens: int = 0) -> int:
    """The amount of a request for the two units that ask what is new: its prompt (64 bits) and its output tokens."""
    return fingerprint << _TOKEN_BITS | min(tokens, _TOKENS)


def shown(unit: Unit, amount: int) -> int:
    """An amount as people read it: one distinct prompt, so many unique tokens."""
    if unit is Unit.DISTINCT_PROMPTS:
        return 1 if amount else 0
    return prompt_and_tokens(amount)[1] if unit is Unit.UNIQUE_OUTPUT_TOKENS else amount


def prompt_and_tokens(amount: int) -> tuple[int, int]:
    """The inverse of `prompt_amount`."""
    return amount >> _TOKEN_BITS, amount & _TOKENS
