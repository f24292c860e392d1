"""Records in memory: bounded, the least used goes first, and what a change has a part in is dropped."""

from gateway.core.account import Account
from gateway.identity.key_cache import KeyCache
from gateway.stores.book.base import Kind
from tests.support.people import record


def filled(*names: str, most: int = 10, of: str = "acme", org: str = "globex") -> KeyCache:
    cache = KeyCache(most, 3, 5.0)
    for name in names:
        cache.put(*record(Account(of, org, "free"), name), 1.0)
    return cache


def padded(name: str) -> str:
    return f"{name:0<12}"


def known(cache: KeyCache, *names: str) -> list[str]:
    return [name for name in names if cache.get(padded(name)) is not None]


def test_the_least_used_key_goes_first():
    cache = filled("a", "b", "c", most=3)
    cache.get(padded("a"))
    cache.put(*record(Account("acme", "acme", "free"), "d"), 1.0)
    assert (known(cache, "a", "b", "c", "d"), len(cache)) == (["a", "c", "d"], 3)


def test_a_flood_of_unknown_ids_pushes_out_no_key_and_is_bounded():
    cache = filled("a", most=1)
    for number in range(1000):
        cache.put_unknown(str(number), 0.0)
    assert known(cache, "a") == ["a"]
    assert cache.unknown == 3
    assert cache.is_unknown("999", 4.9)
    assert not cache.is_unknown("999", 5.0)
    assert not cache.is_unknown("1", 0.0), "the oldest were dropped"


def test_a_change_drops_what_it_has_a_part_in():
    cache = filled("a", "b")
    cache.put(*record(Account("other", "globex", "free"), "c"), 1.0)
    cache.put(*record(Account("third", "third", "free"), "d"), 1.0)
    cache.changed([(Kind.KEY, padded("a"))])
    assert known(cache, "a", "b", "c", "d") == ["b", "c", "d"]
    cache.changed([(Kind.ACCOUNT, "acme")])
    assert known(cache, "a", "b", "c", "d") == ["c", "d"]
    cache.changed([(Kind.ORG, "globex"), (Kind.ACCOUNT, "nobody"), (Kind.KEY, "nothing")])
    assert known(cache, "a", "b", "c", "d") == ["d"]
    cache.changed([(Kind.ORG, "third")])
    assert cache._of == {}, "nothing is kept of keys that are gone"


def test_any_change_makes_unknown_ids_worth_another_look():
    cache = filled()
    cache.put_unknown("x", 0.0)
    cache.changed([])
    assert not cache.is_unknown("x", 0.0)


def test_a_key_is_known_or_unknown_never_both():
    cache = filled("a")
    cache.put_unknown(padded("a"), 0.0)
    assert (known(cache, "a"), cache.is_unknown(padded("a"), 0.0)) == ([], True)
    cache.put(*record(Account("acme", "acme", "free"), "a"), 1.0)
    assert (known(cache, "a"), cache.is_unknown(padded("a"), 0.0)) == (["a"], False)


def test_a_key_that_moved_is_dropped_by_changes_of_its_new_account_only():
    cache = filled("a", of="old", org="old")
    cache.put(*record(Account("new", "new", "free"), "a"), 2.0)
    cache.changed([(Kind.ACCOUNT, "old"), (Kind.ORG, "old")])
    assert known(cache, "a") == ["a"]
    cache.changed([(Kind.ACCOUNT, "new")])
    assert known(cache, "a") == []


def test_clearing_forgets_everything():
    cache = filled("a")
    cache.put_unknown("x", 0.0)
    cache.clear()
    assert (len(cache), cache.unknown, cache._of) == (0, 0, {})
