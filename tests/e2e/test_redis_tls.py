"""`rediss://` from the settings to a real Redis: whom the gateway trusts, and whom it logs in as."""

import asyncio
import contextlib
from itertools import count

import pytest

from gateway.config import load_config
from gateway.core.clock import SystemClock
from gateway.core.ports import NoEvents
from gateway.core.units import Unit
from gateway.engine.spec import BudgetSpec, Period
from gateway.stores.base import StoreUnavailable
from gateway.usage_store import usage_store
from tests.support import tls
from tests.support.config_dir import write_config
from tests.support.redis_server import free_port, redis_server

pytestmark = pytest.mark.redis

SERIAL = count()
MONEY = BudgetSpec("acme|usd", Unit.USD, 1000, Period.MONTH, home="acme")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return tls.authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    """Another authority of the same name."""
    return tls.authority(tmp_path_factory.mktemp("strangers"))


@contextlib.contextmanager
def secured(folder, clients="no"):
    """A server with a plain port for the test and a TLS port for the gateway, whose user `gateway` has a password."""
    port = free_port()
    options = ("--tls-port", str(port), "--tls-auth-clients", clients, "--tls-ca-cert-file", str(folder / "ca.pem"),
               "--tls-cert-file", str(folder / "server.pem"), "--tls-key-file", str(folder / "server.key"))  # fmt: skip
    with redis_server(*options) as server:
        let_in(server, "first")
        yield server, port


def let_in(server, password):
    server.say("ACL", "SETUSER", "gateway", "reset", "on", f">{password}", "~*", "+@all")


def store_of(folder, url, **redis):
    lines = "".join(f"  {name}: {value}\n" for name, value in redis.items())
    more = f"store: {url}\nredis:\n  timeout_ms: 2000\n{lines}"
    own = folder / f"settings-{next(SERIAL)}"
    own.mkdir()
    settings = load_config(write_config(own, more=more), env={}).settings
    return usage_store(settings, SystemClock(), NoEvents())


def spend(store, *names):
    """Open, admit one request for each name, and close; what is left of the budget."""

    async def body():
        try:
            await store.open()
            for name in names:
                verdict = await store.reserve(name, (MONEY,), {Unit.USD: 10}, {}, 60_000)
                assert verdict.granted
                assert not verdict.fallback
            return (await store.peek((MONEY,)))[0].remaining
        finally:
            await store.close()

    return asyncio.run(body())


def refused(store):
    """Why it does not open."""
    with pytest.raises(StoreUnavailable) as caught:
        spend(store)
    return str(caught.value)


def test_a_trusted_server_and_a_password_from_a_file_that_is_replaced(tmp_path, certificates):
    secret = tmp_path / "password.txt"
    secret.write_text("first\n")
    with secured(certificates) as (server, port):
        known = {"ca_file": certificates / "ca.pem", "password_file": secret}
        url = f"rediss://gateway@127.0.0.1:{port}"
        assert spend(store_of(tmp_path, url, **known), "a") == 990
        let_in(server, "second")
        why = refused(store_of(tmp_path, url, **known))
        assert "login" in why
        assert "first" not in why
        secret.write_text("second\n")
        assert spend(store_of(tmp_path, url, **known), "b", "c") == 970


def test_a_password_that_is_replaced_is_read_at_the_next_connection(tmp_path, certificates):
    secret = tmp_path / "password.txt"
    secret.write_text("first\n")

    async def body(server, store):
        await store.open()
        let_in(server, "second")
        secret.write_text("second\n")
        server.say("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        for attempt in range(100):
            with contextlib.suppress(StoreUnavailable):
                verdict = await store.reserve(f"r{attempt}", (MONEY,), {Unit.USD: 10}, {}, 60_000)
                if not verdict.fallback:
                    break
        assert (await store.peek((MONEY,)))[0].remaining <= 990
        await store.close()

    with secured(certificates) as (server, port):
        url = f"rediss://gateway@127.0.0.1:{port}"
        asyncio.run(body(server, store_of(tmp_path, url, ca_file=certificates / "ca.pem", password_file=secret)))


def test_a_server_of_another_authority_or_another_name_is_refused(tmp_path, certificates, strangers):
    secret = tmp_path / "password.txt"
    secret.write_text("first\n")
    with secured(certificates) as (server, port):
        for host, trusted in (("127.0.0.1", strangers), ("localhost", certificates)):
            known = {"ca_file": trusted / "ca.pem", "password_file": secret}
            why = refused(store_of(tmp_path, f"rediss://gateway@{host}:{port}", **known))
            assert "cannot be reached" in why
        assert "cannot be reached" in refused(
            store_of(tmp_path, f"rediss://gateway@127.0.0.1:{port}", password_file=secret)
        ), "the system does not know it"
        assert b"cmdstat_auth" not in server.say("INFO", "commandstats"), "the password went to nobody"


def test_tls_and_plain_do_not_meet(tmp_path, certificates):
    with secured(certificates) as (server, port):
        assert refused(store_of(tmp_path, f"redis://127.0.0.1:{port}"))
        assert refused(store_of(tmp_path, f"rediss://127.0.0.1:{server.port}", ca_file=certificates / "ca.pem"))


def test_a_server_that_asks_for_a_certificate_gets_ours(tmp_path, certificates, strangers):
    secret = tmp_path / "password.txt"
    secret.write_text("first\n")
    with secured(certificates, clients="yes") as (_, port):
        url = f"rediss://gateway@127.0.0.1:{port}"
        known = {"ca_file": certificates / "ca.pem", "password_file": secret}
        mine = {
            f"client_{what}_file": certificates / f"client.{end}" for what, end in (("cert", "pem"), ("key", "key"))
        }
        theirs = {name: strangers / path.name for name, path in mine.items()}
        assert spend(store_of(tmp_path, url, **known, **mine), "a") == 990
        assert refused(store_of(tmp_path, url, **known))
        assert refused(store_of(tmp_path, url, **known, **theirs))
