"""Two gateways on one Redis: what one is told, the other knows."""

import threading
import time

import pytest

from tests.support.administering import done
from tests.support.redis_server import redis_server
from tests.support.running import running
from tests.support.talking import ask

pytestmark = pytest.mark.redis


def eventually(check, what):
    """Poll until `check()` holds: the other gateway hears of it in its own time."""
    deadline = time.monotonic() + 20
    while not check():
        assert time.monotonic() < deadline, what
        threading.Event().wait(0.01)


@pytest.fixture(scope="module")
def redis():
    with redis_server() as server:
        yield server


@pytest.fixture
def two(tmp_path, redis):
    redis.say("FLUSHALL")
    one = {"store": redis.url, "redis": {"undelivered_file": str(tmp_path / "one.jsonl"), "timeout_ms": 2000}}
    other = {"store": redis.url, "redis": {"undelivered_file": str(tmp_path / "other.jsonl"), "timeout_ms": 2000}}
    with running(tmp_path / "one", settings=one) as first, running(tmp_path / "other", settings=other) as second:
        yield first, second


def test_a_key_made_here_works_there_and_stops_there(two):
    here, there = two
    done(here, "PUT", "accounts/ada-labs", {"tier": "free"})
    key = done(here, "POST", "accounts/ada-labs/keys", {})
    assert ask(here, key=key["key"]).status == 200
    assert ask(there, key=key["key"]).status == 200
    assert there.runtime.accounts.lookup.cached(key["id"]) is not None
    done(here, "POST", f"keys/{key['id']}/revoke")
    assert ask(here, key=key["key"]).status == 401
    eventually(lambda: ask(there, key=key["key"]).status == 401, "the other gateway refuses the key")
    assert done(there, "GET", "accounts/ada-labs/keys")["keys"][0]["revoked"]


def test_a_suspension_and_an_import_are_heard_of_too(two):
    here, there = two
    done(here, "PUT", "accounts/ada-labs", {"tier": "free", "org": "labs"})
    key = done(here, "POST", "accounts/ada-labs/keys", {})["key"]
    assert ask(there, key=key).status == 200
    done(here, "PUT", "orgs/labs", {"suspended": True})
    eventually(lambda: ask(there, key=key).status == 403, "the other gateway refuses the org")
    done(there, "POST", "import", {"orgs": {"labs": {}}, "accounts": {"ada-labs": {"tier": "free", "org": "labs"}}})
    eventually(lambda: ask(here, key=key).status == 200, "and lets it call again")


def test_without_redis_known_keys_go_on_and_the_others_are_told(tmp_path):
    file = str(tmp_path / "one.jsonl")
    settings = {"redis": {"undelivered_file": file, "on_loss": {"use": "open"}, "timeout_ms": 2000}}
    with redis_server() as own:
        settings["store"] = own.url
        with running(tmp_path, settings=settings) as gateway:
            done(gateway, "PUT", "accounts/ada-labs", {"tier": "free"})
            known = done(gateway, "POST", "accounts/ada-labs/keys", {})["key"]
            cold = done(gateway, "POST", "accounts/ada-labs/keys", {})["key"]
            assert ask(gateway, key=known).status == 200
            gateway.settled()
            own.kill()
            assert ask(gateway, key=known).status == 200
            assert ask(gateway).status == 200
            answer = ask(gateway, key=cold)
            assert (answer.status, answer.json()["error"]["code"]) == (503, "limiter_unavailable")
            own.start()
            eventually(lambda: ask(gateway, key=cold).status == 401, "the keys were lost with that Redis")
