"""What must hold for any prices, any report and any ending."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.accounting.amounts import MIN_AFFORDABLE_OUTPUT, Reservation, Work, affordable_output, reservation
from gateway.accounting.estimate import Estimator, _Line
from gateway.accounting.outcome import Outcome
from gateway.accounting.prices import cost, worst_case
from gateway.accounting.settlement import MAX_REPORTED, Reach, Seen, _is_sane, fits, settlement
from gateway.core.ask import Ask
from gateway.core.model import Model, Prices
from gateway.core.units import Unit
from gateway.core.usage import Usage

nano = st.integers(0, 10**6)
tokens = st.integers(0, 10**7)
prices = st.builds(Prices, nano, nano, nano, nano)


@st.composite
def usages(draw):
    read = draw(tokens)
    hit = draw(st.integers(0, read))
    return Usage(read, draw(tokens), hit, draw(st.integers(0, read - hit)))


wild = st.builds(Usage, *[st.integers(-(10**12), 10**12)] * 5, estimated=st.booleans())


@given(prices, usages(), st.sampled_from(["input_tokens", "output_tokens"]), tokens)
def test_more_tokens_never_cost_less(price, usage, which, more):
    assert cost(price, replace(usage, **{which: getattr(usage, which) + more})) >= cost(price, usage)


@given(prices, usages(), st.sampled_from(["input", "output", "cache_read", "cache_write"]), nano)
def test_higher_prices_never_cost_less(price, usage, which, more):
    assert cost(replace(price, **{which: getattr(price, which) + more}), usage) >= cost(price, usage)


@given(prices, usages())
def test_no_split_of_the_input_costs_more_than_the_worst_case(price, usage):
    assert cost(price, usage) <= worst_case(price, usage.input_tokens, usage.output_tokens)


@given(prices, tokens, st.integers(-(10**9), 10**15), st.integers(0, 10**6), st.integers(1, 128))
def test_affordable_is_the_most_that_the_budget_can_pay(price, read, remaining, ceiling, choices):
    payable = affordable_output(price, read, remaining, ceiling, choices)
    if payable is None:
        least = min(MIN_AFFORDABLE_OUTPUT, ceiling)
        assert worst_case(price, read, least * choices) > remaining
    else:
        assert worst_case(price, read, payable * choices) <= remaining
        assert payable == ceiling or worst_case(price, read, (payable + 1) * choices) > remaining


@given(
    st.sampled_from(Outcome),
    st.sampled_from(Reach),
    st.sampled_from(Work),
    st.none() | usages() | wild,
    st.integers(0, 10**6),
    st.booleans(),
    tokens,
    prices,
)
def test_settlement_keeps_its_rules(outcome, reach, work, reported, counted, ended, estimate, price):
    held = Reservation(work, {}, {}, input_tokens=estimate, output_tokens=0)
    seen = Seen(reach, reported, counted, ended)
    done = settlement(outcome, held, price, seen)
    assert settlement(outcome, held, price, seen) == done
    read, written = done.amounts.get(Unit.INPUT_TOKENS, 0), done.amounts.get(Unit.OUTPUT_TOKENS, 0)
    claimed_in = max(0, reported.input_tokens) if reported else 0
    claimed_out = max(0, reported.output_tokens) if reported else 0
    assert (read, written) == (done.usage.input_tokens, done.usage.output_tokens)
    assert done.amounts.get(Unit.TOTAL_TOKENS, 0) == read + written
    assert done.amounts.get(Unit.USD, 0) == done.cost_nano_usd == cost(price, done.usage)
    # Never more than what was claimed or what we saw ourselves, and never beyond a ledger's reach.
    assert 0 <= read <= max(claimed_in, estimate)
    assert 0 <= written <= max(claimed_out, counted)
    assert max(read, written) <= max(MAX_REPORTED, estimate, counted)
    # Parts never exceed their whole.
    assert done.usage.cache_read_tokens + done.usage.cache_write_tokens <= read
    answered = reach is Reach.ANSWERED and outcome not in (Outcome.UPSTREAM_FAILED, Outcome.UPSTREAM_REJECTED)
    if answered or outcome is Outcome.COMPLETE:
        # Never free: what was seen is paid, unless an ended answer's credible report says less.
        assert done.amounts[Unit.REQUESTS] == 1
        if work is Work.GENERATE:
            assert written * 16 >= counted
            if not (outcome is Outcome.COMPLETE or ended) or (reported is not None and reported.estimated):
                assert written >= counted
        if work is not Work.COUNT and written and estimate:
            assert read >= 1


@given(
    st.integers(0, 10**6), st.none() | st.integers(1, 10**6), st.integers(1, 16), st.integers(0, 10**5),
    st.lists(st.tuples(st.integers(0, 10**5), st.integers(0, 10**5), st.integers(0, 10**6)), max_size=30),
)  # fmt: skip
def test_a_reservation_covers_the_dearest_use_it_allows(size, cap, choices, max_output, history):
    estimator = Estimator()
    for prompt, used, text in history:
        estimator.learn("m", Ask({}, "m", False, prompt), Usage(used, used), text)
    price = Prices(3, 15, 1, 4)
    model = Model("m", "m", ("up",), 10**9, max_output, None)
    held = reservation(Ask({}, "m", False, size, output_cap=cap, choices=choices), model, price, estimator)
    assert (held.input_tokens > 0) == (size > 0)
    assert size // 16 <= held.input_tokens <= 3 * (size + 1024) + 1
    spent = Usage(held.input_tokens, held.output_tokens, 0, held.input_tokens)
    assert cost(price, spent) <= held.amounts[Unit.USD]
    assert all(held.on_expiry[unit] <= held.amounts[unit] for unit in held.on_expiry)


counts = st.sampled_from([-1, 0, 1, 5, MAX_REPORTED, MAX_REPORTED + 1])


@given(st.builds(Usage, *[counts] * 5), st.booleans())
def test_a_report_is_sane_where_every_part_of_it_is(usage, writes):
    whole = (usage.input_tokens, usage.output_tokens)
    parts = (usage.cache_read_tokens, usage.cache_write_tokens, usage.reasoning_tokens)
    assert _is_sane(usage, writes=writes) == (
        all(0 <= count <= MAX_REPORTED for count in (*whole, *parts))
        and (writes or usage.output_tokens == 0)
        and usage.reasoning_tokens <= usage.output_tokens
        and usage.cache_read_tokens + usage.cache_write_tokens <= usage.input_tokens
    )


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.floats(1 / 16, 1), st.floats(0, 2000), st.floats(0, 3))
def test_a_line_steps_as_its_formula_says(size, tokens, slope, constant, shortfall):
    line = _Line(constant)
    line.slope, line.shortfall = slope, shortfall
    line.learn(size, tokens, 1024)
    predicted = size * slope + constant
    observed = min(max(tokens, predicted / 2), predicted * 2 + 1)
    step = 0.05 * (observed - predicted) / (size * size + 128**2)
    assert line.slope == pytest.approx(min(max(slope + step * size, 1 / 16), 1))
    assert line.constant == pytest.approx(min(max(constant + step * 128**2, 0), 1024), abs=1e-6)
    assert line.shortfall == pytest.approx(shortfall + 0.05 * (max(0, observed / predicted - 1) - shortfall), abs=1e-9)


@given(wild | usages(), st.integers(0, 10**8), st.data(), st.sampled_from(Outcome), st.sampled_from(Work))
def test_text_that_no_report_can_contradict_need_not_be_counted(reported, most, data, outcome, work):
    """`most` is what every byte of the answer would come to, if it were text."""
    if not fits(reported, most):
        return
    counted = data.draw(st.integers(0, most))
    held = Reservation(work, {}, {}, 7, 9)
    price = Prices(1, 2, 3, 4)
    with_text = settlement(outcome, held, price, Seen(Reach.ANSWERED, reported, counted, ended=True))
    assert with_text == settlement(outcome, held, price, Seen(Reach.ANSWERED, reported, ended=True))
