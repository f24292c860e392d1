"""q-values: the definition, order, and the rate they promise."""

import math
from random import Random

import pytest

from gateway.forensics.false_discovery import log_q_values


def test_by_hand():
    found = [math.exp(value) for value in log_q_values([math.log(p) for p in (0.01, 0.04, 0.03, 0.5)])]
    assert found == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])


def test_none_and_one():
    assert log_q_values([]) == []
    assert log_q_values([-5.0]) == [-5.0]


def test_q_is_never_below_p_and_keeps_the_order():
    rng = Random(1)
    log_ps = [math.log(rng.random()) for _ in range(500)]
    found = log_q_values(log_ps)
    assert all(q >= p - 1e-12 for p, q in zip(log_ps, found, strict=True))
    by_p = [q for _, q in sorted(zip(log_ps, found, strict=True))]
    assert by_p == sorted(by_p)


def test_the_rate_of_false_ones_is_as_promised():
    """200 sets of 50 true and 200 false: the mean share of false ones among q ≤ 0.1 stays below 0.1 and some."""
    rng = Random(2)
    shares = []
    for _ in range(200):
        log_ps = [math.log(rng.random()) for _ in range(200)] + [math.log(1e-4 * rng.random()) for _ in range(50)]
        called = [at for at, q in enumerate(log_q_values(log_ps)) if q <= math.log(0.1)]
        shares.append(sum(at < 200 for at in called) / max(1, len(called)))
    assert 0.05 < sum(shares) / len(shares) < 0.1
