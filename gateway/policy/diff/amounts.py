"""What a recorded request takes from limits: what it reserved and used, or a guess where it was refused then."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gateway.core.units import Unit
from gateway.policy.diff.recorded import Recorded

_MODELS: Final = 1000
"""Models whose answers are averaged; further ones share one average."""
_NOT_CHARGED: Final = frozenset(("upstream_failed", "internal_error"))


class Amounts(NamedTuple):
    """By unit: what is reserved, and what it is replaced by when the request ends. `guessed`: nobody measured it."""

    reserved: dict[Unit, int]
    used: dict[Unit, int]
    guessed: bool = False

    def capped(self, most: int) -> "Amounts":
        """With at most so many output tokens."""
        return Amounts(_capped(self.reserved, most), _capped(self.used, most), self.guessed)


@dataclass(slots=True)
class _Mean:
    answers: int = 0
    output: int = 0
    tokens: int = 0
    nano_usd: int = 0


@dataclass(slots=True)
class Meter:
    """Amounts of one request after the other. What answers took so far is the guess for those that were refused."""

    _means: dict[str, _Mean] = field(default_factory=dict)

    def amounts(self, record: Recorded) -> Amounts:
        """Of a record that has facts."""
        if record.dialect == "count_tokens":
            one = {Unit.REQUESTS: 1, Unit.CONCURRENT: 1}
            return Amounts(one, one)
        return self._guessed(record) if record.usage is None else self._measured(record, record.usage)

    def _measured(self, record: Recorded, usage: dict[str, int]) -> Amounts:
        read, written = usage[Unit.INPUT_TOKENS], usage[Unit.OUTPUT_TOKENS]
        mean = self._mean(record.model)
        if written:
            mean.answers += 1
            mean.output += written
            mean.tokens += read + written
            mean.nano_usd += record.cost_nano_usd
        reserved = _units(record, record.reserved_input_tokens, record.reserved_output_tokens)
        reserved[Unit.USD] = record.reserved_nano_usd
        for unit, amount in record.reserved.items():
            if unit in reserved:  # a limit may reserve less output than money must
                reserved[Unit(unit)] = amount
        used = _units(record, read, written)
        used[Unit.REASONING_TOKENS] = usage[Unit.REASONING_TOKENS]
        used[Unit.USD] = record.cost_nano_usd
        return Amounts(reserved, {} if record.outcome in _NOT_CHARGED else used)

    def _guessed(self, record: Recorded) -> Amounts:
        """It was refused: it takes its estimated input, and as much output as answers of its model did."""
        assert record.facts is not None
        mean = self._mean(record.model)
        read, most = record.facts["prompt_tokens"], record.facts["max_output"] * record.facts["n"]
        written = min(most, mean.output // mean.answers) if mean.answers else most
        taken = _units(record, read, written)
        taken[Unit.USD] = (read + written) * mean.nano_usd // mean.tokens if mean.tokens else 0
        return Amounts(taken, taken, guessed=True)

    def _mean(self, model: str) -> _Mean:
        if model not in self._means and len(self._means) >= _MODELS:
            model = ""
        return self._means.setdefault(model, _Mean())


def _units(record: Recorded, read: int, written: int) -> dict[Unit, int]:
    assert record.facts is not None
    return {
        Unit.REQUESTS: 1,
        Unit.CONCURRENT: 1,
        Unit.INPUT_TOKENS: read,
        Unit.OUTPUT_TOKENS: written,
        Unit.TOTAL_TOKENS: read + written,
        Unit.REASONING_TOKENS: min(1, written),
        Unit.LOGPROB_REQUESTS: int(record.facts["logprobs"]),
    }


def _capped(amounts: dict[Unit, int], most: int) -> dict[Unit, int]:
    written = amounts.get(Unit.OUTPUT_TOKENS, 0)
    if written <= most:
        return amounts
    less = {Unit.OUTPUT_TOKENS: most, Unit.TOTAL_TOKENS: amounts[Unit.INPUT_TOKENS] + most}
    reasoning = min(most, amounts.get(Unit.REASONING_TOKENS, 0))
    return {**amounts, **less, Unit.REASONING_TOKENS: reasoning}
