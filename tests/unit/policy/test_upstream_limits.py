"""Limits of upstream keys as the ledger sees them: which counter, whose home, which of several."""

import pytest

from gateway.config import UpstreamEntry
from gateway.core.model import Model
from gateway.core.units import Unit
from gateway.engine.spec import BudgetSpec, Period, RateSpec, SlotSpec
from gateway.engine.validate import validate
from gateway.policy.upstream_limits import UpstreamLimits

ENTRY = {"base_url": "http://127.0.0.1:9/v1"}
SMALL = Model("small", "provider/small", ("main",), 1000, 100, None, aliases=("tiny",))
LARGE = Model("large", "large", ("main",), 1000, 100, None)


def limits_of(*, budgets=None, name="main", **limits):
    entry = UpstreamEntry.model_validate({**ENTRY, "limits": limits, "budgets": budgets or {}})
    return UpstreamLimits({name: entry, "free": UpstreamEntry.model_validate(ENTRY)})


def keys(limits, model, name="main"):
    return [spec.key for spec in limits.specs(name, model)]


def test_each_kind_becomes_a_limit_of_its_upstream():
    limits = limits_of(
        pace={"unit": "requests", "amount": 500, "window": "1m"},
        tokens={"unit": "total_tokens", "amount": 9000, "window": "1h", "burst": 70},
        open={"unit": "concurrent", "amount": 64},
        budgets={"month": {"unit": "usd", "amount": 25, "period": "month", "anchor_day": 3}},
    )
    home = "|upstream:main"
    assert limits.specs("main", SMALL) == (
        SlotSpec("upstream:main|concurrent||*", 64, home=home),
        RateSpec("upstream:main|requests|60s|*", Unit.REQUESTS, 500, 60, 500, home=home),
        RateSpec("upstream:main|total_tokens|3600s|*", Unit.TOTAL_TOKENS, 9000, 3600, 70, home=home),
        BudgetSpec("upstream:main|usd|month:UTC:3|*", Unit.USD, 25 * 10**9, Period.MONTH, "UTC", 3, home=home),
    )


def test_sets_of_models():
    rate = {"unit": "requests", "amount": 5, "window": "1m"}
    limits = limits_of(
        one={**rate, "models": "each"},
        some={**rate, "window": "1h", "models": ["tiny", "b*"]},
        every={**rate, "window": "1d", "models": "all"},
    )
    assert keys(limits, SMALL) == [
        "upstream:main|requests|3600s|b*,tiny",
        "upstream:main|requests|60s|provider/small",
        "upstream:main|requests|86400s|*",
    ]
    assert keys(limits, LARGE) == ["upstream:main|requests|60s|large", "upstream:main|requests|86400s|*"]


def test_two_names_here_of_one_model_there_share_its_counter():
    limits = limits_of(pace={"unit": "requests", "amount": 5, "window": "1m", "models": "each"})
    other = Model("also-small", "provider/small", ("main",), 1000, 100, None)
    assert keys(limits, SMALL) == keys(limits, other)


def test_the_strictest_of_several_on_one_counter_applies():
    limits = limits_of(
        a={"unit": "requests", "amount": 9, "window": "1m", "burst": 2},
        b={"unit": "requests", "amount": 5, "window": "60s"},
        c={"unit": "concurrent", "amount": 3},
        d={"unit": "concurrent", "amount": 2},
    )
    slots, rate = limits.specs("main", SMALL)
    assert (slots.amount, rate.amount, rate.burst) == (2, 5, 2)


@pytest.mark.parametrize("name", ["main", "a|b", "eu/gpu:1@x", "a{b}"])
def test_every_key_and_home_is_its_upstreams_own(name):
    rate = {"unit": "requests", "amount": 5, "window": "1m", "models": "each"}
    audit = Model("audit", "audit", (name,), 1000, 100, None)
    (spec,) = limits_of(name=name, r=rate).specs(name, audit)
    assert validate(spec) is None, "a model of that name must not look like audit mode's state"
    assert spec.key.count("|") == 3
    assert spec.home != "|all"
    others = [limits_of(name=other, r=rate).specs(other, audit)[0] for other in ("other", "main2")]
    assert len({spec.home, *(one.home for one in others)}) == 3


def test_the_same_limits_again_until_the_model_changes():
    limits = limits_of(some={"unit": "concurrent", "amount": 3, "models": ["tiny"]})
    first = limits.specs("main", SMALL)
    assert limits.specs("main", SMALL) is first
    renamed = Model("small", "provider/small", ("main",), 1000, 100, None)
    assert (len(first), limits.specs("main", renamed)) == (1, ())
    assert limits.specs("main", SMALL) == first


def test_an_upstream_without_limits_has_none():
    limits = limits_of(some={"unit": "concurrent", "amount": 3})
    assert limits.specs("free", SMALL) == ()
    assert limits.any_of(("free", "main"))
    assert not limits.any_of(("free",))
    assert not UpstreamLimits({"free": UpstreamEntry.model_validate(ENTRY)}).any_of(("free", "main"))
