"""Guards of the limits on what is new, seen through the ledger."""

from dataclasses import replace

import pytest

from gateway.core.units import Unit, prompt_amount
from gateway.engine.ledger import Ledger
from gateway.engine.spec import BudgetSpec, DistinctSpec, Period, RateSpec, SlotSpec

T0 = 1_800_000_000_000
DAY = 86_400_000
TOKENS = RateSpec("tokens", Unit.TOTAL_TOKENS, 60, 60, 100)
MONEY = BudgetSpec("usd", Unit.USD, 1000, Period.DAY)
SLOTS = SlotSpec("slots", 100)


def left(ledger, *specs):
    return [reading.remaining for reading in ledger.peek(specs, T0)]


def test_prompts_of_audit_mode_count_when_it_is_enforced():
    shadow = DistinctSpec("new", Unit.DISTINCT_PROMPTS, 1, 3600, shadow=True)
    enforced = DistinctSpec("new", Unit.DISTINCT_PROMPTS, 1, 3600)
    ledger = Ledger()
    ledger.reserve("a", (shadow,), {Unit.DISTINCT_PROMPTS: prompt_amount(7)}, {}, DAY, T0)
    assert ledger.reserve("b", (enforced,), {Unit.DISTINCT_PROMPTS: prompt_amount(8)}, {}, DAY, T0).failing == (0,)
    assert ledger.held()[0].amounts == {"distinct_prompts": 1}


def test_output_that_left_with_a_leap_of_the_clock_does_not_come_back_when_the_clock_does():
    unique = DistinctSpec("out", Unit.UNIQUE_OUTPUT_TOKENS, 100, 3600)
    ledger = Ledger()

    def ask(name, prompt, tokens, now):
        return ledger.reserve(name, (unique,), {Unit.UNIQUE_OUTPUT_TOKENS: prompt_amount(prompt, tokens)}, {}, DAY, now)

    ask("a", 1, 50, T0)
    ask("b", 2, 10, T0 + DAY // 2)
    ask("c", 3, 5, T0)
    assert left(ledger, unique) == [85]
    ledger.settle("a", {Unit.UNIQUE_OUTPUT_TOKENS: prompt_amount(1)}, T0)
    assert left(ledger, unique) == [85]
    ledger.settle("b", {Unit.UNIQUE_OUTPUT_TOKENS: prompt_amount(2, 4)}, T0)
    assert left(ledger, unique) == [91]


def test_a_promoted_limit_on_what_is_new_has_a_memory_of_its_own():
    prompts, output = Unit.DISTINCT_PROMPTS, Unit.UNIQUE_OUTPUT_TOKENS
    audited = (DistinctSpec("new", prompts, 5, 3600, shadow=True), DistinctSpec("out", output, 100, 3600, shadow=True))
    enforced = (DistinctSpec("new", prompts, 5, 3600), DistinctSpec("out", output, 100, 3600))
    ledger = Ledger()

    def ask(name, specs, prompt, tokens):
        ledger.reserve(name, specs, {unit: prompt_amount(prompt, tokens) for unit in (prompts, output)}, {}, DAY, T0)

    ask("a", audited, 1, 30)
    assert left(ledger, *enforced) == [4, 70]
    ask("b", enforced, 2, 20)
    assert left(ledger, *enforced, *audited) == [3, 50, 4, 70]


@pytest.mark.parametrize("other", [TOKENS, MONEY, SLOTS, DistinctSpec("new", Unit.DISTINCT_PROMPTS, 5, 7200)])
def test_a_limit_on_what_is_new_keeps_its_kind_and_its_window(other):
    ledger = Ledger()
    new = DistinctSpec("new", Unit.DISTINCT_PROMPTS, 5, 3600)
    ledger.reserve("a", (new,), {Unit.DISTINCT_PROMPTS: prompt_amount(1)}, {}, DAY, T0)
    with pytest.raises(TypeError, match="must have another key"):
        ledger.reserve("b", (replace(other, key="new"),), {}, {}, DAY, T0)
