"""Money in whole nano-dollars: what usage costs, and the most it can cost before it is known."""

from gateway.core.model import Prices
from gateway.core.usage import Usage


def cost(prices: Prices, usage: Usage) -> int:
    """Nano-dollars for `usage`, exact. Cached parts are part of the input and have prices of their own."""
    read = usage.cache_read_tokens
    write = usage.cache_write_tokens
    # An upstream that reports more cached than input tokens must not earn the caller a rebate.
    uncached = max(0, usage.input_tokens - read - write)
    return (
        uncached * prices.input
        + read * prices.cache_read
        + write * prices.cache_write
        + usage.output_tokens * prices.output
    )


def worst_case(prices: Prices, input_tokens: int, output_tokens: int) -> int:
    """The most that so many tokens can cost: which part of the input hits a cache is not known beforehand."""
    return input_tokens * prices.dearest_input + output_tokens * prices.output
