from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.upstreams.pick import Candidate, pick, soonest


def up(name, outstanding=0, weight=1, wait=0.0, *, suspect=False):
    return Candidate(name, outstanding, weight, wait, suspect=suspect)


def test_the_least_outstanding_per_weight():
    assert pick([up("a", 3), up("b", 2), up("c", 4)], 0).name == "b"
    assert pick([up("a", 3, 1), up("b", 5, 2)], 0).name == "b"


def test_ties_go_round():
    same = [up("a"), up("b"), up("c", 9, 9), up("d", 1)]
    tied = [up("a", 1), up("b", 1), up("c", 9, 9)]
    assert [pick(tied, turn).name for turn in range(6)] == ["a", "b", "c", "a", "b", "c"]
    assert Counter(pick(same, turn).name for turn in range(10)) == {"a": 5, "b": 5}


def test_waiting_ones_are_passed_over_and_a_due_probe_competes():
    assert pick([up("a", wait=1.0), up("b", 9), up("c", wait=None)], 0).name == "b"
    assert pick([up("a", wait=1.0), up("c", wait=None)], 0) is None
    assert pick([], 0) is None


def test_a_suspect_comes_last_and_is_still_better_than_none():
    assert pick([up("a", suspect=True), up("b", 1000)], 1).name == "b"
    assert pick([up("b", 1000), up("a", suspect=True)], 1).name == "b"
    assert pick([up("a", suspect=True)], 0).name == "a"


def test_soonest():
    assert soonest([up("a", wait=3.0), up("b", wait=1.5), up("c", wait=None)]) == 1.5
    assert soonest([up("c", wait=None)]) is None


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 50)), min_size=1, max_size=6), st.integers(0, 99))
def test_no_other_is_less_loaded(loads, turn):
    candidates = [up(str(n), outstanding, weight) for n, (weight, outstanding) in enumerate(loads)]
    chosen = pick(candidates, turn)
    assert all(chosen.outstanding * c.weight <= c.outstanding * chosen.weight for c in candidates)
