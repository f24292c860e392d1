"""A free account's days, through the whole gateway, under the shipped policies, on a clock of the test's own."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from gateway.core.clock import ManualClock
from tests.support.recording import recording
from tests.support.running import running
from tests.support.talking import ask, code, stopped, usage, used
from tests.support.upstream import ok

SHIPPED = Path(__file__).parents[2] / "policies"
DAY_MS = 86_400_000


def at(text: str) -> ManualClock:
    return stopped(round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000))


def spending(read: int, written: int):
    body = {"choices": [], "usage": {"prompt_tokens": read, "completion_tokens": written}}
    return ok(json.dumps(body).encode())


def edit(path: Path, change) -> None:
    document = yaml.safe_load(path.read_text())
    change(document)
    path.write_text(yaml.safe_dump(document, sort_keys=False))


def reload(gateway):
    assert gateway.call(gateway.runtime.reload()) == []


def test_a_day_of_a_free_account(tmp_path):
    """It works through its minute limits, obeying every wait, until the day's budget ends; the next day it goes on."""
    clock = at("2026-03-02T06:00:00")
    with (
        recording(spending(30, 60)) as upstream,
        running(tmp_path, upstream=upstream.url + "/v1", policies=SHIPPED, clock=clock) as gateway,
    ):
        ada = gateway.keys["ada"]
        served = waits = 0
        while True:
            answer = ask(gateway, key=ada, max_tokens=100)
            if answer.status == 200:
                served += 1
                continue
            if code(answer) != "rate_limit_exceeded":
                break
            waits += 1
            clock.advance(int(answer.header("retry-after-ms")) / 1000)
        assert served == upstream.count() == 500, "the day's budget of requests, to the last one"
        assert waits >= 400, "twenty at once, then one every three seconds"
        error = answer.json()["error"]
        assert (answer.status, error["code"]) == (429, "insufficient_quota")
        assert answer.header("x-should-retry") == "false"
        assert error["metadata"]["limit"] == "requests-per-day"
        assert error["metadata"]["reset"] == "2026-03-03T00:00:00Z"
        assert "developer tier" in error["message"]

        clock.advance(60)
        assert code(ask(gateway, key=ada)) == "insufficient_quota", "waiting a minute changes nothing"
        until_midnight = (DAY_MS - clock.now_ms() % DAY_MS) / 1000
        clock.advance(until_midnight - 0.001)
        assert code(ask(gateway, key=ada)) == "insufficient_quota"
        clock.advance(0.001)
        assert ask(gateway, key=ada).status == 200
        spent = used(gateway, ada)
        assert spent["requests-per-day"] == 1
        assert spent["dollars-per-month"] == 501 * (30 * 1000 + 60 * 2000), "the month goes on counting"


def test_an_upgrade_keeps_what_was_used(tmp_path):
    """The account's tier changes in accounts.yaml and the gateway reloads: more room, and nothing forgotten."""
    clock = at("2026-03-02T06:00:00")
    with (
        recording(spending(1_000_000, 1_000_000)) as upstream,  # three dollars a call
        running(tmp_path, upstream=upstream.url + "/v1", policies=SHIPPED, clock=clock) as gateway,
    ):
        ada = gateway.keys["ada"]
        assert ask(gateway, key=ada, model="sim-large", max_tokens=10).json()["error"]["code"] == "policy_denied"
        assert ask(gateway, key=ada, max_tokens=10).status == 200
        clock.advance(3600)
        assert ask(gateway, key=ada, max_tokens=10).status == 200
        clock.advance(3600)
        assert code(ask(gateway, key=ada, max_tokens=10)) == "insufficient_quota", "six of five dollars are gone"
        before = used(gateway, ada)
        assert before["dollars-per-month"] == 6 * 10**9

        edit(tmp_path / "accounts.yaml", lambda document: document["accounts"]["ada"].update(tier="developer"))
        reload(gateway)
        clock.advance(3600)
        after = usage(gateway, ada)
        money = [entry for entry in after.values() if entry["unit"] == "nano_usd"]
        assert [(entry["used"], entry["amount"] > 6 * 10**9) for entry in money] == [(6 * 10**9, True)]
        assert ask(gateway, key=ada, model="sim-large", max_tokens=10).status == 200
        newest = gateway.records()[0]
        gateway.settled()
        assert gateway.records()[0].tier == newest.tier == "developer"
        assert {entry["used"] for entry in usage(gateway, ada).values() if entry["unit"] == "nano_usd"} == {9 * 10**9}

        edit(tmp_path / "accounts.yaml", lambda document: document["accounts"]["ada"].update(tier="free"))
        reload(gateway)
        clock.advance(3600)
        back = used(gateway, ada)
        assert back["dollars-per-month"] == 9 * 10**9
        assert back["requests-per-day"] == 2, "the call as a developer met no daily budget"
        assert code(ask(gateway, key=ada, max_tokens=10)) == "insufficient_quota"


WATCHED = """\
version: 1
id: cap
title: Daily cap
status: stable
mode: audit
owner: tests
description: Watched first, enforced when nobody honest trips it.
match: all
budgets:
  daily: {unit: requests, per: account, amount: 5, period: day}
"""


@pytest.mark.parametrize("before", [3, 9])
def test_a_watched_limit_is_promoted_with_what_it_has_seen(tmp_path, before):
    """Enforcing starts from the usage that audit mode counted, never below empty: nobody owes for being watched."""
    clock = at("2026-03-02T06:00:00")
    with (
        recording(spending(3, 2)) as upstream,
        running(
            tmp_path, upstream=upstream.url + "/v1", policies={"cap": WATCHED}, clock=clock
        ) as gateway,
    ):  # fmt: skip
        assert {ask(gateway).status for _ in range(before)} == {200}
        gateway.settled()
        would = [any(finding.reason == "insufficient_quota" for finding in r.findings) for r in gateway.records()]
        assert would.count(True) == max(0, before - 5)
        assert usage(gateway) == {}

        policy = tmp_path / "policies" / "cap.yaml"
        policy.write_text(WATCHED.replace("mode: audit", "mode: enforce"))
        reload(gateway)
        left = max(0, 5 - before)
        assert usage(gateway)["daily"]["remaining"] == left
        answers = [ask(gateway) for _ in range(left + 2)]
        assert [answer.status for answer in answers] == [200] * left + [429, 429]
        assert usage(gateway)["daily"]["used"] == 5
        assert upstream.count() == before + left

        clock.advance(86_400)
        assert ask(gateway).status == 200
        assert usage(gateway)["daily"]["used"] == 1
