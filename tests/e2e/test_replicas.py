"""Two gateways on one Redis: one limit between them, whoever is asked; and what they do when it is gone."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.administering import done
from tests.support.redis_server import redis_server
from tests.support.running import running
from tests.support.talking import ask, code, policy, usage

pytestmark = pytest.mark.redis

ROOT = Path(__file__).parents[2]
CROWD = 200
LIMIT = 70
LIMITS = f"r: {{unit: requests, per: account, amount: {LIMIT}, window: 1d}}"
BUDGETS = f"month: {{unit: requests, per: org, amount: {LIMIT - 7}, period: month}}"


def replicas(tmp_path, server, policies, **redis):
    """Two running gateways as a pair of context managers; their clocks stand still, Redis' own does not matter."""
    for name in ("one", "other"):
        settings = {"store": server.url, "redis": {"undelivered_file": f"{name}.jsonl", "timeout_ms": 2000, **redis}}
        yield running(tmp_path / name, policies=policies, settings=settings)


def test_a_crowd_at_both_never_gets_one_request_too_many(tmp_path, capsys):
    with redis_server() as server:
        first, second = replicas(tmp_path, server, policy(LIMITS, BUDGETS))
        with first as here, second as there:

            def call(number):
                gateway = (here, there)[number % 2]
                return ask(gateway, key=gateway.keys["acme"], max_tokens=5).status

            with ThreadPoolExecutor(40) as pool:
                statuses = list(pool.map(call, range(CROWD)))
            assert sorted(set(statuses)) == [200, 429]
            admitted = statuses.count(200)
            with capsys.disabled():
                print(f"\n{CROWD} callers at two gateways: {admitted} admitted of {LIMIT - 7} allowed")
            assert admitted == LIMIT - 7
            for gateway in (here, there):
                assert usage(gateway)["month"]["used"] == LIMIT - 7


def test_limits_of_everybody_are_one_limit(tmp_path):
    everybody = policy("all: {unit: requests, per: all, amount: 3, window: 1d}")
    with redis_server() as server:
        first, second = replicas(tmp_path, server, everybody)
        with first as here, second as there:
            keys = ("acme", "globex", "ada")
            assert [ask(here, key=here.keys[name]).status for name in keys] == [200, 200, 200]
            refused = ask(there, key=there.keys["acme"])
            assert (refused.status, code(refused)) == (429, "rate_limit_exceeded")
            assert "3" not in json.loads(refused.body)["error"]["message"]


def test_while_redis_is_gone_money_closes_and_the_rest_has_its_share(tmp_path):
    money = "usd: {unit: usd, per: org, amount: 1, period: month}"
    rate = "r: {unit: requests, per: account, amount: 40, window: 1d}"
    policies = {
        **policy(rate, name="pace", match="{account: globex}"),
        **policy(budgets=money, name="money", match="{account: acme}"),
    }
    with redis_server() as server:
        (first, _) = replicas(tmp_path, server, policies, replicas=20)
        with first as gateway:
            for name in ("acme", "globex"):
                assert ask(gateway, key=gateway.keys[name]).status == 200
            server.kill()
            closed = ask(gateway, key=gateway.keys["acme"])
            assert (closed.status, code(closed)) == (503, "limiter_unavailable")
            answers = [ask(gateway, key=gateway.keys["globex"]) for _ in range(3)]
            assert [one.status for one in answers] == [200, 200, 429]
            assert [one.header("x-gateway-limits") for one in answers] == ["fallback", "fallback", "fallback"]
            assert "gateway_store_fallback_active 1.0" in gateway.runtime.metrics.render().decode()


def test_a_restart_of_the_gateways_keeps_usage(tmp_path):
    with redis_server() as server:
        for number in range(2):
            first, _ = replicas(tmp_path / str(number), server, policy(LIMITS))
            with first as gateway:
                assert ask(gateway, key=gateway.keys["acme"]).status == 200
                assert usage(gateway)["r"]["used"] == number + 1


def test_the_rights_that_the_docs_name_are_enough(tmp_path):
    """A user of Redis with exactly them: requests, their settlement, accounts, the ledger, what is held."""
    page = (ROOT / "docs" / "redis.md").read_text().partition("The ACL user needs")[2].partition("##")[0]
    rights = " ".join(re.findall(r"`([~+][^`]*)`", page)).split()
    with redis_server() as server:
        server.say("ACL", "SETUSER", "gate", "on", ">hunter2", "resetkeys", "nocommands", *rights)
        (tmp_path / "password.txt").write_text("hunter2")
        settings = {
            "store": server.url.replace("redis://", "redis://gate@"),
            "redis": {"password_file": str(tmp_path / "password.txt"), "timeout_ms": 2000},
        }
        with running(tmp_path / "one", policies=policy(LIMITS, BUDGETS), settings=settings) as gateway:
            assert ask(gateway).status == 200
            gateway.settled()
            done(gateway, "PUT", "accounts/ada-labs", {"tier": "free"})
            key = done(gateway, "POST", "accounts/ada-labs/keys", {})
            assert ask(gateway, key=key["key"]).status == 200
            done(gateway, "POST", f"keys/{key['id']}/revoke")
            gateway.settled()
            assert done(gateway, "GET", "reservations") == {"reservations": []}
            report = done(gateway, "GET", "ledger")
            assert (report["counters"], report["entries"], report["mismatches"]) == (2, 2, [])
        log = server.say("ACL", "LOG")
    assert log == []
