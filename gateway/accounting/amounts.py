"""What to reserve before a request is sent. Pure: facts in, integer amounts by unit out."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from gateway.accounting.estimate import Estimator
from gateway.accounting.prices import worst_case
from gateway.core.ask import Ask
from gateway.core.model import Model, Prices
from gateway.core.units import (
    CONCURRENT,
    DISTINCT_PROMPTS,
    INPUT_TOKENS,
    LOGPROB_REQUESTS,
    OUTPUT_TOKENS,
    REASONING_TOKENS,
    REQUESTS,
    TOTAL_TOKENS,
    UNIQUE_OUTPUT_TOKENS,
    USD,
    Unit,
    prompt_amount,
)

MIN_AFFORDABLE_OUTPUT: Final = 256
"""A budget that cannot pay so many output tokens refuses the request instead of cutting its answer to a stump."""


class Work(Enum):
    """What a route makes the model do: it decides which units a request touches."""

    GENERATE = auto()
    EMBED = auto()
    """Reads input, writes no tokens."""
    COUNT = auto()
    """Counts tokens; costs a request and nothing else."""


_GENERATE: Final = Work.GENERATE  # by a name of its own, as units are


class OutputMode(Enum):
    """How token limits reserve output. Money is always reserved at the worst case."""

    WORST = auto()
    ESTIMATE = auto()
    """The model's recent high answer length: better utilisation; what it falls short is paid as debt."""


@dataclass(slots=True, init=False)
class Reservation:
    """What a request takes from its limits until it is settled.

    `on_expiry` is what rates keep if nobody settles (budgets keep `amounts`). `output_tokens` is the output over
    all choices that `amounts` pays for in money: a stream that passes it tops up first.
    """

    work: Work
    amounts: dict[Unit, int]
    on_expiry: dict[Unit, int]
    input_tokens: int
    output_tokens: int

    # Written out, as Exchange is.
    def __init__(
        self,
        work: Work,
        amounts: dict[Unit, int],
        on_expiry: dict[Unit, int],
        input_tokens: int,
        output_tokens: int,
    ) -> None:
        self.work = work
        self.amounts = amounts
        self.on_expiry = on_expiry
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens


def reservation(
    ask: Ask,
    model: Model,
    prices: Prices | None,
    estimator: Estimator,
    *,
    work: Work = Work.GENERATE,
    output_cap: int | None = None,
    mode: OutputMode = OutputMode.WORST,
    prompt: int = 0,
) -> Reservation:
    """Amounts for one request.

    `output_cap` is the gateway's own cap per choice (policy, or what a money budget can pay); the caller's and the
    model's caps hold as well. `prices` are those in force now, which the settlement must use too; without them there
    is no money amount, and the caller of this function refuses the request if a money limit applies. `prompt` is the
    fingerprint of the last user turn, 0 where there is none.
    """
    if work is Work.COUNT:
        return Reservation(work, {REQUESTS: 1, CONCURRENT: 1}, {REQUESTS: 1}, 0, 0)
    # A model never reads more than its context: an over-estimate must not make a fitting request unaffordable.
    read = min(estimator.input_tokens(model.id, ask), model.context)
    choices = ask.choices
    held = worst = output_ceiling(ask, model, output_cap) * choices if work is _GENERATE else 0
    if mode is OutputMode.ESTIMATE:
        held = min(worst, estimator.output_high(model.id) * choices)
    # A crash loses the outcome. The input was read if the request was sent at all; the output is unknown, and a
    # rate refills soon. Money is not given back on a guess.
    on_expiry = {REQUESTS: 1, INPUT_TOKENS: read, OUTPUT_TOKENS: 0, TOTAL_TOKENS: read}
    amounts = {REQUESTS: 1, INPUT_TOKENS: read, OUTPUT_TOKENS: held, TOTAL_TOKENS: read + held, CONCURRENT: 1}
    if ask.logprobs:
        amounts[LOGPROB_REQUESTS] = on_expiry[LOGPROB_REQUESTS] = 1
    if prices is not None:
        amounts[USD] = on_expiry[USD] = worst_case(prices, read, worst)
    if held:
        if prompt:
            amounts[DISTINCT_PROMPTS] = on_expiry[DISTINCT_PROMPTS] = prompt_amount(prompt)
            amounts[UNIQUE_OUTPUT_TOKENS] = on_expiry[UNIQUE_OUTPUT_TOKENS] = prompt_amount(prompt, held)
        amounts[REASONING_TOKENS] = min(held, estimator.reasoning_high(model.id) * choices)
    return Reservation(work, amounts, on_expiry, read, worst)


def output_ceiling(ask: Ask, model: Model, output_cap: int | None = None) -> int:
    """The most output tokens one choice can have."""
    ceiling = model.max_output
    if ask.output_cap is not None and ask.output_cap < ceiling:
        ceiling = ask.output_cap
    if output_cap is not None and output_cap < ceiling:
        ceiling = output_cap
    return max(0, ceiling)


def affordable_output(
    prices: Prices, input_tokens: int, remaining_nano_usd: int, ceiling: int, choices: int = 1
) -> int | None:
    """Output tokens per choice that the rest of a money budget can pay, at most `ceiling`; None to refuse.

    Refused is what cannot pay its input and `MIN_AFFORDABLE_OUTPUT` tokens for each choice, or `ceiling` (see
    `output_ceiling`) where that is less.
    """
    left = remaining_nano_usd - input_tokens * prices.dearest_input
    if left < 0:
        return None
    per_token = prices.output * choices
    if per_token == 0:
        return ceiling
    payable = left // per_token
    if payable < min(MIN_AFFORDABLE_OUTPUT, ceiling):
        return None
    return min(payable, ceiling)


def top_up(prices: Prices | None, output_tokens: int) -> dict[Unit, int]:
    """Amounts for `output_tokens` more of a running stream."""
    amounts = {OUTPUT_TOKENS: output_tokens, TOTAL_TOKENS: output_tokens}
    if prices is not None:
        amounts[USD] = worst_case(prices, 0, output_tokens)
    return amounts
