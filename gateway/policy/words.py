"""Sizes of limits in words: what refusals, usage pages and lint messages say."""

from typing import Final

from gateway.core.units import NANO, Unit
from gateway.engine.spec import BudgetSpec, DistinctSpec, RateSpec, Spec

_NOUNS: Final = {
    Unit.REQUESTS: "requests",
    Unit.INPUT_TOKENS: "input tokens",
    Unit.OUTPUT_TOKENS: "output tokens",
    Unit.TOTAL_TOKENS: "tokens",
    Unit.CONCURRENT: "requests",
    Unit.REASONING_TOKENS: "reasoning tokens",
    Unit.LOGPROB_REQUESTS: "requests with log probabilities",
    Unit.DISTINCT_PROMPTS: "distinct prompts",
    Unit.UNIQUE_OUTPUT_TOKENS: "output tokens of new prompts",
}
_LENGTHS: Final = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def quantity(unit: Unit, amount: int) -> str:
    """`40 output tokens`, `1 request`, `$0.50`."""
    if unit is Unit.USD:
        return dollars(amount)
    noun = _NOUNS[unit]
    return f"{amount} {noun.replace('requests', 'request').removesuffix('s') if amount == 1 else noun}"


def dollars(nano: int) -> str:
    """Exact, with at least two decimals."""
    sign = "-" if nano < 0 else ""
    whole, part = divmod(abs(nano), NANO)
    decimals = f"{part:09d}".rstrip("0").ljust(2, "0")
    return f"{sign}${whole}.{decimals}"


def size(spec: Spec) -> str:
    """`60 requests in 1m`, `4 requests at a time`, `$25.00 a month`."""
    if isinstance(spec, RateSpec):
        burst = "" if spec.burst == spec.amount else f" (at most {spec.burst} at once)"
        return f"{quantity(spec.unit, spec.amount)} in {window(spec.window_s)}{burst}"
    if isinstance(spec, DistinctSpec):
        return f"{quantity(spec.unit, spec.amount)} in {window(spec.window_s)}"
    if isinstance(spec, BudgetSpec):
        return f"{quantity(spec.unit, spec.amount)} a {spec.period.value}"
    return f"{quantity(spec.unit, spec.amount)} at a time"


def window(seconds: int) -> str:
    """`1m`, `90s`, `1h`: the largest unit that says it exactly."""
    for suffix, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds // length}{suffix}"
    return f"{seconds}s"


def duration(ms: int) -> str:
    """`12 s`, `4 min 10 s`, `2 d 3 h`: rounded up to the second, the two largest units."""
    seconds = -(-ms // 1000)
    parts: list[str] = []
    for name, length in _LENGTHS:
        if seconds >= length and len(parts) < 2:
            count, seconds = divmod(seconds, length)
            parts.append(f"{count} {name}")
    return " ".join(parts) or "0 s"
