import pytest

from gateway.core.clock import ManualClock
from gateway.core.ports import NoEvents
from gateway.stores.open import open_store


@pytest.mark.parametrize(("url", "name"), [("memory:", "memory"), ("sqlite:/tmp/usage.db", "sqlite")])
def test_the_url_names_the_store(url, name):
    assert open_store(url, ManualClock(), NoEvents()).name == name


@pytest.mark.parametrize("url", ["", "memory", "memory:x", "sqlite:", "postgres://x", "/var/lib/usage.db"])
def test_anything_else_says_what_was_expected(url):
    with pytest.raises(ValueError, match="expected 'memory:', 'sqlite:PATH' or 'redis://HOST'"):
        open_store(url, ManualClock(), NoEvents())


def test_a_password_in_the_url_is_refused_without_repeating_it():
    with pytest.raises(ValueError, match="a password does not belong") as caught:
        open_store("redis://:hunter2@db/0", ManualClock(), NoEvents())
    assert "hunter2" not in str(caught.value)


def test_redis_needs_a_loop_only_when_it_is_opened():
    assert open_store("redis://db:6379/2", ManualClock(), NoEvents()).name == "redis"
