import pytest

from gateway.observe.counters import OTHER, Counter, Family, Histogram


def family(cap: int = 100, **domains) -> Family[Counter]:
    made: Family[Counter] = Family(("model", "outcome"), Counter, cap)
    made.restrict(domains)
    return made


def test_the_same_labels_are_the_same_child():
    counters = family(model=["a"])
    child = counters["a", "ok"]
    child.inc()
    counters["a", "ok"].inc(4)
    assert child.value == 5
    assert counters["a", "bad"].value == 0


def test_a_value_outside_its_domain_is_other():
    counters = family(model=["a"])
    counters["evil", "ok"].inc()
    counters["worse", "ok"].inc()
    assert {labels: child.value for labels, child in counters.items()} == {(OTHER, "ok"): 2}


def test_a_hundred_thousand_names_make_one_series():
    counters = family(model=["a"])
    for index in range(100_000):
        counters[f"model-{index}", "ok"].inc()
    assert len(counters) == 1
    assert counters[OTHER, "ok"].value == 100_000


def test_the_cap_bounds_labels_without_a_domain():
    counters = family(cap=10)
    for index in range(1000):
        counters["a", f"outcome-{index}"].inc()
    assert len(counters) == 11
    assert sum(child.value for _, child in counters.items()) == 1000
    assert counters[OTHER, OTHER].value == 990


def test_restricting_ends_what_no_longer_qualifies_and_keeps_the_rest():
    counters = family(model=["a", "b"])
    counters["a", "ok"].inc()
    counters["b", "ok"].inc()
    counters["x", "ok"].inc()
    counters.restrict({"model": ["b", "c"], "elsewhere": ["z"]})
    assert {labels for labels, _ in counters.items()} == {("b", "ok"), (OTHER, "ok")}
    counters["c", "ok"].inc()
    counters["a", "ok"].inc()
    assert counters[OTHER, "ok"].value == 2
    assert counters["c", "ok"].value == 1


def test_the_wrong_number_of_labels_is_a_mistake():
    with pytest.raises(ValueError, match="1 label values for the labels"):
        family()[("a",)]


def test_histogram_edges_are_inclusive_and_the_rest_goes_above():
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 99.0):
        histogram.observe(value)
    assert list(histogram.cumulative()) == [(1.0, 2), (2.0, 4), (float("inf"), 5)]
    assert histogram.total == 104.0


def test_a_coarse_label_gives_way_before_the_others():
    counters: Family[Counter] = Family(("model", "outcome"), Counter, 30, "model")
    for index in range(100):
        for outcome in ("ok", "bad"):
            counters[f"model-{index}", outcome].inc()
    assert len(counters) == 22, "two thirds of the cap, and one child for each outcome"
    assert counters[OTHER, "ok"].value == counters[OTHER, "bad"].value == 90
    assert sum(child.value for child in counters.values()) == 200


def test_the_cap_holds_when_the_coarse_label_was_given_up():
    counters: Family[Counter] = Family(("model", "outcome"), Counter, 30, "model")
    for index in range(1000):
        counters[f"model-{index}", f"outcome-{index}"].inc()
    assert len(counters) == 31
    assert sum(child.value for child in counters.values()) == 1000
    assert counters[OTHER, OTHER].value == 970
