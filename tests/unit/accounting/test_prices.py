from gateway.accounting.prices import cost, worst_case
from gateway.core.model import Prices
from gateway.core.usage import Usage

PRICES = Prices(input=3000, output=15000, cache_read=300, cache_write=3750)


def test_cached_parts_have_their_own_prices_and_the_rest_is_plain_input():
    usage = Usage(input_tokens=100, output_tokens=7, cache_read_tokens=60, cache_write_tokens=10)
    assert cost(PRICES, usage) == 30 * 3000 + 60 * 300 + 10 * 3750 + 7 * 15000


def test_more_cached_than_input_earns_no_rebate():
    assert cost(PRICES, Usage(input_tokens=10, cache_read_tokens=50)) == 50 * 300


def test_amounts_beyond_float_precision_stay_exact():
    assert cost(Prices(1, 0, 0, 0), Usage(input_tokens=2**60 + 1)) == 2**60 + 1


def test_free_is_zero():
    assert cost(Prices(0, 0, 0, 0), Usage(5, 5)) == 0


def test_worst_case_prices_input_as_a_cache_write_where_that_is_dearer():
    assert worst_case(PRICES, 10, 2) == 10 * 3750 + 2 * 15000
    assert worst_case(Prices(input=9, output=1, cache_read=1, cache_write=2), 10, 2) == 92
