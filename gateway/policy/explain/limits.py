"""The limits of one request: what each allows, what the request needs of it, and what is left where that is known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.accounting.amounts import Work, affordable_output, output_ceiling, reservation
from gateway.accounting.estimate import Estimator
from gateway.core import reasons
from gateway.core.ask import Ask
from gateway.core.model import Prices
from gateway.core.units import Unit, shown
from gateway.engine.spec import RateSpec
from gateway.policy.bound_limit import BoundLimit
from gateway.policy.plan import reason_of
from gateway.policy.situation import Situation
from gateway.policy.words import dollars, quantity, size

_WORK: Final = {"embeddings": Work.EMBED, "count_tokens": Work.COUNT}


class Stand(NamedTuple):
    """Where a limit stands now: units left (negative in debt), and milliseconds until it is full again."""

    remaining: int
    reset_ms: int


Stands = Mapping[tuple[str, str], Stand]
"""By policy/limit and mode. What is not in it is not known."""


@dataclass(frozen=True, slots=True)
class LimitSaid:
    """One limit. `room` is None where nobody can tell. Amounts are in `unit`, money in nano-dollars."""

    id: str
    mode: str
    scope: str
    unit: str
    allows: str
    needs: int
    needs_text: str
    remaining: int | None
    remaining_text: str
    reset_ms: int | None
    room: bool | None
    reason: str
    """Of the refusal where it has no room."""


def needed_by(ask: Ask, here: Situation, prices: Prices | None, cap: int | None) -> Mapping[Unit, int]:
    """What a request needs at most. An estimate: a running gateway has learnt how long the model's tokens are."""
    work = _WORK.get(here.dialect, Work.GENERATE)
    return reservation(ask, here.model, prices, Estimator(), work=work, output_cap=cap, prompt=1).amounts


def shorter_answer(ask: Ask, here: Situation, prices: Prices | None, cap: int | None) -> Callable[[int], bool]:
    """Whether some nano-dollars pay an answer worth having: a request without an output cap is cut to what is left."""
    if prices is None or ask.output_cap is not None:
        return lambda _: False
    read = needed_by(ask, here, prices, cap).get(Unit.INPUT_TOKENS, 0)
    ceiling = output_ceiling(ask, here.model, cap)
    return lambda left: affordable_output(prices, read, left, ceiling, ask.choices) is not None


def limit_said(
    limit: BoundLimit, needed: Mapping[Unit, int], stand: Stand | None, shorter: Callable[[int], bool]
) -> LimitSaid:
    """One limit beside what is needed of it. `stand` is None where it is not known."""
    spec, unit = limit.spec, limit.spec.unit
    needs = shown(unit, needed.get(unit, 0))
    largest = spec.burst if isinstance(spec, RateSpec) else spec.amount
    room = _room(unit, needs, largest, stand)
    if room is False and unit is Unit.USD and shorter(largest if stand is None else stand.remaining):
        room = None if stand is None else True
    return LimitSaid(
        id=limit.rule,
        mode=limit.mode,
        scope=limit.scope,
        unit="nano_usd" if unit is Unit.USD else unit.value,
        allows=size(spec),
        needs=needs,
        needs_text=quantity(unit, needs),
        remaining=None if stand is None else stand.remaining,
        remaining_text="" if stand is None else _amount(unit, stand.remaining),
        reset_ms=None if stand is None else stand.reset_ms,
        room=room,
        reason=(reasons.REQUEST_EXCEEDS_LIMIT if needs > largest else reason_of(spec)).code,
    )


def _room(unit: Unit, needs: int, largest: int, stand: Stand | None) -> bool | None:
    if needs > largest:
        return False
    if stand is None:
        return None
    # A prompt that is known already needs nothing of what counts new ones, so that too little left is no proof.
    news = unit in (Unit.DISTINCT_PROMPTS, Unit.UNIQUE_OUTPUT_TOKENS)
    return True if stand.remaining >= needs else None if news else False


def _amount(unit: Unit, amount: int) -> str:
    return dollars(amount) if unit is Unit.USD else str(amount)
