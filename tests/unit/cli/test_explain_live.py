from gateway.cli.explain_live import stands_of
from gateway.core.units import Unit
from gateway.policy.explain.limits import Stand
from gateway.policy.recent import Used

RPM = {
    "policy": "p", "limit": "rpm", "mode": "enforce", "scope": "account", "unit": "requests", "amount": 20,
    "burst": 5, "used": 2, "remaining": 3, "reset_ms": 900, "window_s": 60,
}  # fmt: skip
MONEY = {**RPM, "limit": "money", "unit": "nano_usd", "amount": 100, "used": 90, "remaining": 10}


def test_where_limits_stand() -> None:
    money = {name: value for name, value in MONEY.items() if name != "burst"}
    stands, memory = stands_of([RPM, money, {**RPM, "limit": "new", "unit": "a later unit"}], "k1")
    assert stands["p/rpm", "enforce"] == Stand(3, 900)
    assert stands["p/money", "enforce"] == Stand(10, 900)
    # Shares of a limit are shares of its burst, as a gateway remembers them.
    assert memory.used == {"p/rpm": Used(Unit.REQUESTS, 2, 5), "p/money": Used(Unit.USD, 90, 100)}


def test_of_several_counters_under_one_name_none_is_taken() -> None:
    one, other = {**RPM, "scope": "key", "key": "k1"}, {**RPM, "scope": "key", "key": "k2", "remaining": 1}
    assert stands_of([one, other], None) == stands_of([], None)
    assert stands_of([one, other], "k2")[0] == {("p/rpm", "enforce"): Stand(1, 900)}
    stands, memory = stands_of([RPM, RPM], "k1")
    assert (stands, memory.used) == ({}, {})
    both, _ = stands_of([RPM, {**RPM, "mode": "audit", "remaining": 9}], "k1")
    assert both == {("p/rpm", "enforce"): Stand(3, 900), ("p/rpm", "audit"): Stand(9, 900)}
