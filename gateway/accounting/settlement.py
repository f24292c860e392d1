"""What to charge when it is over. One table over how far the request got and how it ended.

    how far        how it ended                      requests  tokens and money
    -------        ------------                      --------  ----------------
    never sent     caller left                       1         none: no model worked; but hanging up is no free try
    never sent     anything else                     0         none: nothing was done for the caller
    sent           caller left                       1         the input estimate: the model was reading it
    sent           upstream said 4xx                 1         what it reports, normally nothing
    sent           anything else                     0         none: the fault is ours or the upstream's
    answer begun   upstream failed (429, 5xx)        0         none: its head was no answer
    answer begun   upstream said 4xx                 1         what it reports, normally nothing
    answer begun   complete, usage reported          1         as reported, unless it contradicts what was seen
    answer begun   complete, no usage                1         the input estimate and the counted output
    answer begun   ended, but the caller had left    1         the same: the report was final
    answer begun   cut short in any way              1         the larger of reported so far and counted

A report that is itself marked as estimated (a running count, one choice of several) is never more than a lower bound.

A caller can choose when to leave, so that leaving never makes an answer cheaper than what was seen of it.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from gateway.accounting.amounts import Reservation, Work
from gateway.accounting.outcome import Outcome
from gateway.accounting.prices import cost
from gateway.core.model import Prices
from gateway.core.units import (
    INPUT_TOKENS,
    LOGPROB_REQUESTS,
    OUTPUT_TOKENS,
    REASONING_TOKENS,
    REQUESTS,
    TOKEN_BITS,
    TOTAL_TOKENS,
    UNIQUE_OUTPUT_TOKENS,
    USD,
    Unit,
    prompt_amount,
)
from gateway.core.usage import Usage

MAX_REPORTED: Final = 1 << 30
"""Token counts above this are no counts: a broken upstream must not overflow a ledger."""
IMPLAUSIBLE_FACTOR: Final = 16
"""Seen output may be over-counted by the estimator's bounds at most; beyond that the report is wrong."""


# By names of their own, as units are.
_GENERATE: Final = Work.GENERATE
_COMPLETE: Final = Outcome.COMPLETE
_REJECTED: Final = Outcome.UPSTREAM_REJECTED


class Reach(Enum):
    """How far a request got on its way to the model."""

    UNSENT = auto()
    SENT = auto()
    """At least one byte may have reached an upstream."""
    ANSWERED = auto()
    """The first byte of a 2xx answer came back."""


@dataclass(slots=True, init=False)
class Seen:
    """What was observed: usage as reported (None when nothing was) and output tokens counted from the answer."""

    reach: Reach
    reported: Usage | None
    counted_output: int
    ended: bool
    """The answer came to its own ending, whoever was still there to get it: what it reported is final."""

    # Written out, as Exchange is.
    def __init__(
        self,
        reach: Reach,
        reported: Usage | None = None,
        counted_output: int = 0,
        ended: bool = False,
    ) -> None:
        self.reach = reach
        self.reported = reported
        self.counted_output = counted_output
        self.ended = ended


@dataclass(slots=True, init=False)
class Settlement:
    """What a request really took. `contradicted` says that the upstream's report did not fit what was seen."""

    amounts: dict[Unit, int]
    usage: Usage
    cost_nano_usd: int
    contradicted: bool

    # Written out, as Exchange is.
    def __init__(
        self,
        amounts: dict[Unit, int],
        usage: Usage,
        cost_nano_usd: int = 0,
        contradicted: bool = False,
    ) -> None:
        self.amounts = amounts
        self.usage = usage
        self.cost_nano_usd = cost_nano_usd
        self.contradicted = contradicted


def settlement(outcome: Outcome, reservation: Reservation, prices: Prices | None, seen: Seen) -> Settlement:
    """The actual amounts for `Store.settle`. Deterministic: the same facts always cost the same."""
    if outcome is not _COMPLETE:
        early = _without_answer(outcome, seen)
        if early is not None:
            return early
    if reservation.work is Work.COUNT:
        return Settlement({REQUESTS: 1}, Usage())
    usage, contradicted = _usage(outcome, reservation, seen)
    read, written = usage.input_tokens, usage.output_tokens
    amounts = {REQUESTS: 1, INPUT_TOKENS: read, OUTPUT_TOKENS: written, TOTAL_TOKENS: read + written}
    reserved = reservation.amounts
    reasoning = usage.reasoning_tokens
    if usage.estimated and not reasoning:
        # Nothing was reported: what was reserved for them stands in, within the output.
        reasoning = min(written, reserved.get(REASONING_TOKENS, 0))
    if reasoning:
        amounts[REASONING_TOKENS] = reasoning
    if LOGPROB_REQUESTS in reserved:
        amounts[LOGPROB_REQUESTS] = 1
    if UNIQUE_OUTPUT_TOKENS in reserved:
        amounts[UNIQUE_OUTPUT_TOKENS] = prompt_amount(reserved[UNIQUE_OUTPUT_TOKENS] >> TOKEN_BITS, written)
    money = 0
    if prices is not None:
        money = amounts[USD] = cost(prices, usage)
    return Settlement(amounts, usage, money, contradicted)


def _without_answer(outcome: Outcome, seen: Seen) -> Settlement | None:
    """What is charged where no answer says it; None where tokens are to be counted."""
    reach = seen.reach
    if reach is Reach.ANSWERED:
        charged = outcome is not Outcome.UPSTREAM_FAILED
    else:
        charged = outcome is Outcome.CLIENT_GONE or (outcome is _REJECTED and reach is Reach.SENT)
    if not charged:
        return Settlement({}, Usage())
    return Settlement({REQUESTS: 1}, Usage()) if reach is Reach.UNSENT else None


def _usage(outcome: Outcome, reservation: Reservation, seen: Seen) -> tuple[Usage, bool]:
    """Final token counts, and whether the upstream's own were not believed."""
    writes = reservation.work is _GENERATE
    counted = seen.counted_output if writes else 0
    if seen.reported is None:
        if outcome is _REJECTED:
            return Usage(), False
        return Usage(reservation.input_tokens, counted, estimated=True), False
    usage, sane = seen.reported, True
    if not _is_sane(usage, writes=writes):
        usage, sane = _within_reason(usage, writes=writes), not writes and _is_sane(usage, writes=True)
    if outcome is _REJECTED:
        return usage, not sane
    read, written = usage.input_tokens, usage.output_tokens
    if (outcome is _COMPLETE or seen.ended) and not usage.estimated:
        if counted > written * IMPLAUSIBLE_FACTOR:
            written, sane = counted, False
        # Explicit zeros for an answer without text are zeros; text out of no input is not.
        if not read and written and reservation.input_tokens:
            read, sane = reservation.input_tokens, False
    else:
        # What was reported may be a placeholder for what is still to come.
        written = max(written, counted)
        read = read or reservation.input_tokens
    if read != usage.input_tokens or written != usage.output_tokens:
        usage = replace(usage, input_tokens=read, output_tokens=written, estimated=True)
    return usage, not sane


def fits(reported: Usage, counted: int) -> bool:
    """Whether a final report stands, of an answer that came to its end with so many tokens of output."""
    return not reported.estimated and 0 < counted <= reported.output_tokens * IMPLAUSIBLE_FACTOR


def _is_sane(usage: Usage, *, writes: bool) -> bool:
    """Every count in [0, MAX_REPORTED], parts no larger than their whole, no output where there can be none."""
    read, written = usage.input_tokens, usage.output_tokens
    hit, stored = usage.cache_read_tokens, usage.cache_write_tokens
    # A whole that is no smaller than a part of 0 or more is 0 or more itself.
    return (
        0 <= usage.reasoning_tokens <= written <= (MAX_REPORTED if writes else 0)
        and hit >= 0
        and stored >= 0
        and hit + stored <= read <= MAX_REPORTED
    )


def _within_reason(reported: Usage, *, writes: bool) -> Usage:
    """The nearest sane usage."""
    read = _clamp(reported.input_tokens, MAX_REPORTED)
    written = _clamp(reported.output_tokens, MAX_REPORTED) if writes else 0
    cache_read = _clamp(reported.cache_read_tokens, read)
    cache_write = _clamp(reported.cache_write_tokens, read - cache_read)
    reasoning = _clamp(reported.reasoning_tokens, written)
    return Usage(read, written, cache_read, cache_write, reasoning, estimated=reported.estimated)


def _clamp(count: int, ceiling: int) -> int:
    return min(max(count, 0), ceiling)
