import pytest

from gateway.accounting.amounts import OutputMode, Work, affordable_output, output_ceiling, reservation, top_up
from gateway.accounting.estimate import Estimator
from gateway.core.ask import Ask
from gateway.core.model import Model, Prices
from gateway.core.units import Unit, prompt_amount
from gateway.core.usage import Usage

PRICES = Prices(input=10, output=100, cache_read=1, cache_write=20)


def model(*, max_output: int = 4000, context: int = 8000) -> Model:
    return Model("m", "m", ("up",), context, max_output, None)


def ask(prompt_bytes: int = 300, *, cap: int | None = None, choices: int = 1) -> Ask:
    return Ask({}, "m", False, prompt_bytes, output_cap=cap, choices=choices)


def test_every_unit_is_reserved_at_the_worst_case():
    estimator = Estimator()
    held = reservation(ask(cap=50, choices=3), model(), PRICES, estimator)
    read = estimator.input_tokens("m", ask())
    assert held.amounts == {
        Unit.REQUESTS: 1,
        Unit.INPUT_TOKENS: read,
        Unit.OUTPUT_TOKENS: 150,
        Unit.TOTAL_TOKENS: read + 150,
        Unit.CONCURRENT: 1,
        Unit.REASONING_TOKENS: 3,
        Unit.USD: read * 20 + 150 * 100,
    }
    assert (held.input_tokens, held.output_tokens) == (read, 150)


def test_a_prompt_and_logprobs_are_reserved_for_the_limits_that_ask_for_them():
    one = ask(cap=50)
    one.logprobs = True
    amounts = reservation(one, model(), PRICES, Estimator(), prompt=7).amounts
    assert amounts[Unit.LOGPROB_REQUESTS] == 1
    assert amounts[Unit.DISTINCT_PROMPTS] == prompt_amount(7)
    assert amounts[Unit.UNIQUE_OUTPUT_TOKENS] == prompt_amount(7, 50)
    read_only = reservation(one, model(), PRICES, Estimator(), work=Work.EMBED, prompt=7).amounts
    assert Unit.DISTINCT_PROMPTS not in read_only


def test_reasoning_is_reserved_as_a_model_has_shown_it():
    estimator = Estimator()
    for _ in range(400):
        estimator.learn("m", ask(), Usage(100, 900, reasoning_tokens=600), 500)
    held = reservation(ask(cap=5000), model(), PRICES, estimator).amounts[Unit.REASONING_TOKENS]
    assert 500 < held < 800
    assert reservation(ask(cap=50), model(), PRICES, estimator).amounts[Unit.REASONING_TOKENS] == 50


def test_expiry_keeps_money_and_input_but_no_output_and_no_slot():
    held = reservation(ask(cap=50), model(), PRICES, Estimator())
    assert held.on_expiry == {
        Unit.REQUESTS: 1,
        Unit.INPUT_TOKENS: held.input_tokens,
        Unit.OUTPUT_TOKENS: 0,
        Unit.TOTAL_TOKENS: held.input_tokens,
        Unit.USD: held.amounts[Unit.USD],
    }


@pytest.mark.parametrize(
    ("caller", "gateway", "ceiling"),
    [(None, None, 4000), (10, None, 10), (None, 20, 20), (10, 20, 10), (30, 20, 20), (9000, 9000, 4000), (-1, None, 0)],
)
def test_the_lowest_cap_holds(caller, gateway, ceiling):
    assert output_ceiling(ask(cap=caller), model(), gateway) == ceiling


def test_estimate_mode_spares_token_limits_but_never_money():
    estimator = Estimator()
    for _ in range(2000):
        estimator.learn("m", ask(), Usage(90, 40), 160)
    held = reservation(ask(), model(), PRICES, estimator, mode=OutputMode.ESTIMATE)
    assert 1 <= held.amounts[Unit.OUTPUT_TOKENS] < 100
    assert held.output_tokens == 4000
    assert held.amounts[Unit.USD] == held.input_tokens * 20 + 4000 * 100


def test_estimate_mode_never_reserves_more_than_the_worst_case():
    held = reservation(ask(cap=5), model(), PRICES, Estimator(), mode=OutputMode.ESTIMATE)
    assert held.amounts[Unit.OUTPUT_TOKENS] == 5


def test_an_over_estimate_stops_at_the_context():
    held = reservation(ask(prompt_bytes=10**6), model(context=8000), PRICES, Estimator())
    assert held.input_tokens == 8000


def test_embeddings_reserve_no_output():
    held = reservation(ask(), model(), PRICES, Estimator(), work=Work.EMBED)
    assert held.amounts[Unit.OUTPUT_TOKENS] == 0
    assert held.amounts[Unit.USD] == held.input_tokens * 20


def test_counting_tokens_costs_a_request_only():
    held = reservation(ask(), model(), PRICES, Estimator(), work=Work.COUNT)
    assert held.amounts == {Unit.REQUESTS: 1, Unit.CONCURRENT: 1}
    assert held.on_expiry == {Unit.REQUESTS: 1}


def test_an_unknown_price_reserves_no_money():
    assert Unit.USD not in reservation(ask(), model(), None, Estimator()).amounts


def test_affordable_output_spends_what_is_left_after_the_input():
    # 100 input tokens at 20 leave 98,000: 980 tokens at 100, or 490 for each of two choices.
    assert affordable_output(PRICES, 100, 100_000, 4000) == 980
    assert affordable_output(PRICES, 100, 100_000, 4000, choices=2) == 490
    assert affordable_output(PRICES, 100, 100_000, 700) == 700


def test_a_stump_of_an_answer_is_refused():
    assert affordable_output(PRICES, 100, 2000 + 256 * 100, 4000) == 256
    assert affordable_output(PRICES, 100, 2000 + 256 * 100 - 1, 4000) is None
    assert affordable_output(PRICES, 100, 1999, 4000) is None
    # Unless nobody asked for more than that.
    assert affordable_output(PRICES, 100, 2000 + 10 * 100, 10) == 10
    assert affordable_output(PRICES, 100, 2000, 0) == 0


def test_free_output_needs_money_for_the_input_only():
    free_output = Prices(input=10, output=0, cache_read=10, cache_write=10)
    assert affordable_output(free_output, 100, 1000, 4000) == 4000
    assert affordable_output(free_output, 100, 999, 4000) is None
    assert affordable_output(Prices(0, 0, 0, 0), 100, 0, 4000) == 4000


def test_what_is_affordable_can_be_reserved():
    remaining = 123_456
    estimator = Estimator()
    cap = affordable_output(PRICES, estimator.input_tokens("m", ask()), remaining, 4000)
    assert cap is not None
    held = reservation(ask(), model(), PRICES, estimator, output_cap=cap)
    assert remaining - PRICES.output < held.amounts[Unit.USD] <= remaining


def test_top_up_pays_for_output_only():
    assert top_up(PRICES, 8) == {Unit.OUTPUT_TOKENS: 8, Unit.TOTAL_TOKENS: 8, Unit.USD: 800}
    assert Unit.USD not in top_up(None, 8)
