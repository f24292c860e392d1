"""The one thing that the ledger's bench asserts."""

import asyncio

import pytest

from bench.ledger import Figures, rows_of
from bench.ledger_overshoot import SIZE, USE, ours
from bench.ledger_pairs import limits, windows_of
from bench.plan import BenchFailed
from gateway.core.clock import ManualClock
from gateway.stores.memory import MemoryStore


class Forgetful(MemoryStore):
    """Charges what was held: what was not used is never given back."""

    def settle(self, reservation_id, actual):
        pass


def test_a_crowd_uses_a_limit_up_and_no_more():
    used, counted = asyncio.run(ours(MemoryStore(ManualClock())))
    assert SIZE - 100 < used <= SIZE
    assert counted == used
    assert used % USE == 0


def test_a_store_that_charges_what_was_not_used_fails_the_bench():
    with pytest.raises(BenchFailed, match="4000 tokens used and 10000 counted"):
        asyncio.run(ours(Forgetful(ManualClock())))


def test_the_other_library_is_given_the_same_limits():
    specs = limits(5, "acme")
    assert [(key, cost) for _, key, cost in windows_of(specs)] == [
        ("acme|0", 700), ("acme|1", 1), ("acme|2", 700), ("acme|3", 12_000), ("acme|4", 1),
    ]  # fmt: skip


def test_ratios_are_to_our_own_figures_on_the_same_store():
    found = {"redis": Figures([100.0], [20.0], [2.0]), "redis, limits": Figures([50.0], [90.0], [5.0])}
    assert rows_of(5, found)[1] == [" 5, redis, limits", "50", "90.0", "0.50×", "4.50×", "5.0"]
