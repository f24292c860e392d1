"""Where pairs stand: no two in one bucket, lists apart, layers dealt in turn."""

import pytest

from gateway.watermarks.layout import MOST_LISTS, QUARTERS, WIDTH, bucket, layer_of
from gateway.watermarks.pairs import MOST_PAIRS


def test_every_pair_of_every_list_has_a_bucket_of_its_own():
    used = [bucket(pair, number) for number in range(MOST_LISTS) for pair in range(MOST_PAIRS)]
    assert sorted(used) == list(range(WIDTH))


@pytest.mark.parametrize("quarters", QUARTERS)
def test_the_provider_has_its_quarters_of_any_four_pairs(quarters):
    for start in (0, 8, 1020):
        layers = [layer_of(start + n, quarters) for n in range(4)]
        assert layers == ["provider"] * quarters + ["account"] * (4 - quarters)
