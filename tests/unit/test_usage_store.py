"""From settings to the store: what a Redis needs beside its URL, and what is said when that is of no use."""

import pytest

from gateway.config import SecretMissing, load_config
from gateway.core.clock import ManualClock
from gateway.core.ports import NoEvents
from gateway.stores.redis.link import Lost
from gateway.usage_store import redis_dial, usage_store
from tests.support.config_dir import write_config


def settings(tmp_path, more):
    tmp_path.mkdir(exist_ok=True)
    return load_config(write_config(tmp_path, more=more), env={}).settings


@pytest.mark.parametrize(
    ("store", "name"), [("'memory:'", "memory"), ("sqlite:usage.db", "sqlite"), ("redis://db:6379/2", "redis")]
)
def test_the_settings_name_the_store(tmp_path, store, name):
    found = settings(tmp_path, f"store: {store}\n")
    assert usage_store(found, ManualClock(), NoEvents()).name == name
    assert (redis_dial(found) is not None) == (name == "redis")


def test_a_password_is_read_at_each_connection_and_its_absence_is_an_outage(tmp_path):
    dial = redis_dial(settings(tmp_path, "store: redis://ada@db\nredis: {password_file: secret.txt}\n"))
    for password in ("first", "second"):
        (tmp_path / "secret.txt").write_text(f"{password}\n")
        assert (dial.username, dial.password()) == ("ada", password)
        assert password not in repr(dial)
    (tmp_path / "secret.txt").unlink()
    with pytest.raises(Lost, match=r"redis\.password_file"):
        dial.password()


def test_certificates_are_for_tls_and_one_of_no_use_is_named(tmp_path):
    more = "redis: {ca_file: absent.pem}\n"
    assert redis_dial(settings(tmp_path / "plain", f"store: redis://db\n{more}")).tls is None
    with pytest.raises(SecretMissing, match="redis: ca_file"):
        redis_dial(settings(tmp_path / "tls", f"store: rediss://db\n{more}"))
