"""What a limit counts. An amount is an integer number of a unit; money is integer nano-dollars."""

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


Amounts = dict[Unit, int]

NANO: Final = 1_000_000_000
"""Nano-dollars in a dollar."""

TOKEN_BITS: Final = 40
"""Of an amount that names a prompt, those of its tokens: the lowest."""
MOST_TOKENS: Final = (1 << TOKEN_BITS) - 1

# By names of their own, for what runs with every request: looking a member up in its enumeration takes longer than
# most of what is done with it there.
REQUESTS: Final = Unit.REQUESTS
INPUT_TOKENS: Final = Unit.INPUT_TOKENS
OUTPUT_TOKENS: Final = Unit.OUTPUT_TOKENS
TOTAL_TOKENS: Final = Unit.TOTAL_TOKENS
USD: Final = Unit.USD
CONCURRENT: Final = Unit.CONCURRENT
REASONING_TOKENS: Final = Unit.REASONING_TOKENS
LOGPROB_REQUESTS: Final = Unit.LOGPROB_REQUESTS
DISTINCT_PROMPTS: Final = Unit.DISTINCT_PROMPTS
UNIQUE_OUTPUT_TOKENS: Final = Unit.UNIQUE_OUTPUT_TOKENS


def prompt_amount(fingerprint: int, tokens: int = 0) -> int:
    """The amount of a request for the two units that ask what is new: its prompt (64 bits) and its output tokens."""
    return fingerprint << TOKEN_BITS | min(tokens, MOST_TOKENS)


def shown(unit: Unit, amount: int) -> int:
    """An amount as people read it: one distinct prompt, so many unique tokens."""
    if unit is DISTINCT_PROMPTS:
        return 1 if amount else 0
    return amount & MOST_TOKENS if unit is UNIQUE_OUTPUT_TOKENS else amount


def prompt_and_tokens(amount: int) -> tuple[int, int]:
    """The inverse of `prompt_amount`."""
    return amount >> TOKEN_BITS, amount & MOST_TOKENS
