"""Two gateways on one Redis: a standing and a kill switch that one is told of, the other obeys."""

import threading
import time

import pytest

from gateway.identity.entries import moment_text
from tests.support.administering import done
from tests.support.redis_server import redis_server
from tests.support.running import OPEN_POLICY, running
from tests.support.talking import ask, stopped

pytestmark = pytest.mark.redis

CLOSED = OPEN_POLICY.replace("id: open", "id: closed").replace("match: all", "match: {tier: developer}").replace(
    "limits:\n", "access: {models: [sim-large]}\nlimits:\n"
)  # fmt: skip


@pytest.fixture(scope="module")
def redis():
    with redis_server() as server:
        yield server


@pytest.fixture
def settings(tmp_path, redis):
    """Of a gateway by its name."""
    redis.say("FLUSHALL")
    return lambda name: {
        "store": redis.url, "redis": {"undelivered_file": str(tmp_path / f"{name}.jsonl"), "timeout_ms": 2000}
    }  # fmt: skip


def eventually(check, what):
    """Poll until `check()` holds: the other gateway hears of it in its own time, which docs/accounts.md bounds."""
    deadline = time.monotonic() + 20
    while not check():
        assert time.monotonic() < deadline, what
        threading.Event().wait(0.01)


def later(seconds: float = 3600) -> str:
    return moment_text(round((time.time() + seconds) * 1000))


def test_a_standing_set_here_holds_there(tmp_path, settings):
    with (
        running(tmp_path / "a", settings=settings("a")) as here,
        running(tmp_path / "b", settings=settings("b")) as there,
    ):
        done(here, "PUT", "accounts/shop", {"tier": "free"})
        stored = done(here, "POST", "accounts/shop/keys", {})["key"]
        in_file = there.keys["acme"]
        assert ask(there, key=stored).status == ask(there, key=in_file).status == 200
        for name, key in (("shop", stored), ("acme", in_file)):
            done(
                here, "PUT", f"accounts/{name}/standing", {"standing": "blocked", "reason": "case 71", "until": later()}
            )
            eventually(lambda key=key: ask(there, key=key).status == 403, f"the other gateway refuses {name}")
            done(there, "PUT", f"accounts/{name}/standing", {"standing": "clear", "reason": "appeal granted"})
            assert ask(there, key=key).status == 200
        eventually(lambda: ask(here, key=stored).status == 200, "the first gateway lets it call again")
        history = done(here, "GET", "accounts/acme/standing")["history"]
        assert [one["standing"] for one in history] == ["clear", "blocked"]


def test_a_switch_set_here_holds_there_and_after_a_restart(tmp_path, settings):
    policies = {"open": OPEN_POLICY, "closed": CLOSED}
    with running(tmp_path / "a", settings=settings("a"), policies=policies) as here:
        with running(tmp_path / "b", settings=settings("b"), policies=policies) as there:
            assert ask(here).status == ask(there).status == 403
            done(here, "PUT", "switches/closed", {"reason": "refuses customers", "until": later()})
            assert ask(here).status == 200
            eventually(lambda: ask(there).status == 200, "the other gateway lets it pass")
        with running(tmp_path / "b", settings=settings("b"), policies=policies) as again:
            assert ask(again).status == 200, "from its first request on"
            assert done(again, "GET", "switches/closed")["reason"] == "refuses customers"
            done(again, "DELETE", "switches/closed")
            assert ask(again).status == 403
        eventually(lambda: ask(here).status == 403, "the first gateway has it in force again")


def test_both_end_by_themselves_on_both(tmp_path, settings):
    policies, clock = {"open": OPEN_POLICY, "closed": CLOSED}, stopped()
    with (
        running(tmp_path / "a", settings=settings("a"), policies=policies, clock=clock) as here,
        running(tmp_path / "b", settings=settings("b"), policies=policies, clock=clock) as there,
    ):
        until = moment_text(clock.now_ms() + 60_000)
        done(here, "PUT", "switches/all", {"reason": "a short test", "until": until})
        done(here, "PUT", "accounts/ada/standing", {"standing": "blocked", "reason": "a short test", "until": until})

        def holds(gateway, acme, ada):
            return (ask(gateway).status, ask(gateway, key=gateway.keys["ada"]).status) == (acme, ada)

        for gateway in (here, there):
            eventually(lambda gateway=gateway: holds(gateway, 200, 403), "both hold")
        clock.advance(60)
        for gateway in (here, there):
            eventually(lambda gateway=gateway: holds(gateway, 403, 200), "both are over")
