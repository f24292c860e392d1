import pytest

from gateway.core.clock import ManualClock
from gateway.core.ports import NoEvents
from gateway.stores.open import open_store


@pytest.mark.parametrize(("url", "name"), [("memory:", "memory"), ("sqlite:/tmp/usage.db", "sqlite")])
def test_the_url_names_the_store(url, name):
    assert open_store(url, ManualClock(), NoEvents()).name == name


@pytest.mark.parametrize("url", ["", "memory", "memory:x", "sqlite:", "redis://x", "/var/lib/usage.db"])
def test_anything_else_says_what_was_expected(url):
    with pytest.raises(ValueError, match="expected 'memory:' or 'sqlite:PATH'"):
        open_store(url, ManualClock(), NoEvents())
