"""Limits as a crowd meets them: never exceeded, all or none, per key, account and org, and obeyed waits are kept."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from tests.support.recording import ANSWER, recording
from tests.support.running import running
from tests.support.talking import ask, code, get, policy, settle_in, stopped, usage, used

CROWD = 50


class Gate:
    """A step of a scripted upstream at which everybody waits; it counts who is there."""

    def __init__(self):
        self.inside = self.peak = self.total = 0
        self._changed = threading.Condition()
        self._open = asyncio.Event()
        self._loop = None

    async def step(self, _peer):
        self._loop = asyncio.get_running_loop()
        with self._changed:
            self.inside += 1
            self.total += 1
            self.peak = max(self.peak, self.inside)
            self._changed.notify_all()
        await self._open.wait()
        self.inside -= 1

    def arrived(self, count):
        """Wait until `count` requests have come so far."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.total >= count, 20)

    def open(self):
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._open.set)


def crowd(call, gate, size=CROWD):
    """All at once; whoever is admitted is held at the upstream until everybody else has been answered."""
    with ThreadPoolExecutor(size) as pool:
        futures = [pool.submit(call, number) for number in range(size)]
        try:
            waiting = set(futures)
            while waiting and gate.total + size - len(waiting) < size:
                waiting = wait(waiting, timeout=0.02).not_done
        finally:
            gate.open()
        return [future.result() for future in futures]


# A request of `ask(max_tokens=20)` reserves 17 input tokens (two bytes of prompt) and 20 output tokens.
SEVEN = {
    "requests": ("x: {unit: requests, per: SCOPE, amount: 7, window: 1m}", ""),
    "input": ("x: {unit: input_tokens, per: SCOPE, amount: 127, window: 1m}", ""),
    "output": ("x: {unit: output_tokens, per: SCOPE, amount: 150, window: 1m}", ""),
    "tokens": ("x: {unit: total_tokens, per: SCOPE, amount: 270, window: 1m}", ""),
    "slots": ("x: {unit: concurrent, per: SCOPE, amount: 7}", ""),
    "day": ("", "x: {unit: requests, per: SCOPE, amount: 7, period: day}"),
    "money": ("", "x: {unit: usd, per: SCOPE, amount: 0.0004, period: month}"),
}


@pytest.mark.parametrize("scope", ["key", "account", "org"])
@pytest.mark.parametrize("kind", SEVEN)
def test_a_crowd_never_passes_a_limit(tmp_path, kind, scope):
    """Seven fit, and seven reach the upstream: no more for the race and no fewer for the refused."""
    limits, budgets = (text.replace("SCOPE", scope) for text in SEVEN[kind])
    gate = Gate()
    accounts = {"one": {"tier": "free", "org": "acme"}, "two": {"tier": "free", "org": "acme"}, "three": {"tier": "x"}}
    shared = {"key": {"a": "one"}, "account": {"a": "one", "b": "one"}, "org": {"a": "one", "b": "one", "c": "two"}}
    with (
        recording([gate.step, *ANSWER]) as upstream,
        running(tmp_path, upstream=upstream.url + "/v1", policies=policy(limits, budgets), clock=stopped()) as gateway,
    ):
        keys = settle_in(gateway, tmp_path, accounts, {**shared[scope], "stranger": "three"}, orgs=("acme",))
        names = list(shared[scope])
        answers = crowd(lambda n: ask(gateway, key=keys[names[n % len(names)]], max_tokens=20), gate)
        assert [answer.status for answer in answers].count(200) == gate.total == upstream.count() == 7
        assert gate.peak == 7
        codes = {code(answer) for answer in answers if answer.status != 200}
        budget = "insufficient_quota" if budgets else "rate_limit_exceeded"
        assert codes == {"concurrency_limit_exceeded" if kind == "slots" else budget}
        after = {code(ask(gateway, key=keys[name], max_tokens=20)) for name in names}
        back = kind in ("slots", "input", "output", "tokens", "money")
        assert after == ({""} if back else codes), "what was not used came back"
        assert ask(gateway, key=keys["stranger"], max_tokens=20).status == 200


def test_another_key_of_the_account_has_its_own_limit_per_key(tmp_path):
    limits = "x: {unit: requests, per: key, amount: 1, window: 1m}"
    with running(tmp_path, policies=policy(limits), clock=stopped()) as gateway:
        keys = settle_in(gateway, tmp_path, {"one": {"tier": "free"}}, {"a": "one", "b": "one"})
        assert [ask(gateway, key=keys[name]).status for name in "aabb"] == [200, 429, 200, 429]


def test_models_counted_each_or_together(tmp_path):
    each = "x: {unit: requests, per: account, amount: 1, window: 1m, models: [sim-small]}"
    both = "y: {unit: requests, per: account, amount: 3, window: 1m}"
    with running(tmp_path, policies=policy(f"{each}, {both}"), clock=stopped()) as gateway:
        order = ["sim-small", "sim-small", "sim-large", "sim-large", "sim-large"]
        answers = [ask(gateway, model=model) for model in order]
        assert [answer.status for answer in answers] == [200, 429, 200, 200, 429]
        assert [answers[i].json()["error"]["metadata"]["limit"] for i in (1, 4)] == ["x", "y"]
        assert used(gateway) == {"x": 1, "y": 3}


# all or none


def test_a_request_refused_by_one_limit_burns_no_other(tmp_path):
    limits = (
        "slots: {unit: concurrent, per: account, amount: 1}, "
        "minute: {unit: requests, per: key, amount: 100, window: 1m}, "
        "tokens: {unit: total_tokens, per: account, amount: 10000, window: 1m}, "
        "output: {unit: output_tokens, per: account, amount: 500, window: 1m}"
    )
    budgets = (
        "day: {unit: requests, per: org, amount: 100, period: day}, "
        "money: {unit: usd, per: org, amount: 1, period: month}"
    )
    gate = Gate()
    with (
        recording([gate.step, *ANSWER]) as upstream,
        running(tmp_path, upstream=upstream.url + "/v1", policies=policy(limits, budgets), clock=stopped()) as gateway,
        ThreadPoolExecutor(1) as pool,
    ):
        held = pool.submit(ask, gateway, max_tokens=20)
        gate.arrived(1)
        busy = used_now(gateway)
        assert (busy["slots"], busy["minute"], busy["day"]) == (1, 1, 1)
        for _ in range(20):
            assert code(ask(gateway, max_tokens=20)) == "concurrency_limit_exceeded"
        assert used_now(gateway) == busy
        gate.open()
        assert held.result().status == 200
        quiet = used(gateway)
        assert quiet == {"slots": 0, "minute": 1, "tokens": 5, "output": 2, "day": 1, "money": 3 * 1000 + 2 * 2000}
        too_long = ask(gateway, max_tokens=501)
        assert (too_long.status, code(too_long)) == (400, "request_exceeds_limit")
        assert too_long.header("x-should-retry") == "false"
        assert used(gateway) == quiet
        assert upstream.count() == 1


def used_now(gateway):
    entries = get(gateway.gateway.data_port, "/v1/usage", gateway.keys["acme"]).json()["limits"]
    return {entry["limit"]: entry["used"] for entry in entries}


@pytest.mark.parametrize("status", [400, 429, 500, 503])
def test_what_the_upstream_refuses_costs_no_tokens(tmp_path, status):
    limits = (
        "slots: {unit: concurrent, per: account, amount: 5}, minute: {unit: requests, per: key, amount: 9, window: 1m}"
    )
    budgets = "tokens: {unit: total_tokens, per: account, amount: 10000, period: day}"
    budgets += ", money: {unit: usd, per: org, amount: 1, period: month}"
    with running(tmp_path, policies=policy(limits, budgets), clock=stopped()) as gateway:
        answer = ask(gateway, messages=[{"role": "user", "content": f"fault:{status}"}], max_tokens=20)
        assert answer.status >= 400
        assert gateway.simulator.requests == 1
        counted = 1 if status == 400 else 0  # the caller's own mistake counts as a request, a fault behind us does not
        assert used(gateway) == {"slots": 0, "minute": counted, "tokens": 0, "money": 0}


def test_an_upstream_that_is_not_there_costs_nothing(tmp_path):
    limits = "minute: {unit: requests, per: key, amount: 9, window: 1m}"
    budgets = "money: {unit: usd, per: org, amount: 1, period: month}"
    with (
        running(
            tmp_path, upstream="http://127.0.0.1:9/v1", policies=policy(limits, budgets), clock=stopped()
        ) as gateway
    ):  # fmt: skip
        for stream in (False, True):
            assert code(ask(gateway, stream=stream)) == "upstream_unavailable"
        assert used(gateway) == {"minute": 0, "money": 0}


# audit


def test_audit_mode_counts_and_refuses_nobody(tmp_path):
    limits = "x: {unit: requests, per: account, amount: 2, window: 1m}, y: {unit: concurrent, per: account, amount: 1}"
    budgets = "z: {unit: usd, per: account, amount: 0.0001, period: month}"
    policies = policy("r: {unit: requests, per: account, amount: 9999, window: 1h}", name="roomy")
    policies |= policy(limits, budgets, name="watch", mode="audit", more="access: {models: [sim-small], max_n: 1}\n")
    with running(tmp_path, policies=policies, clock=stopped()) as gateway:
        answers = [ask(gateway, max_tokens=8) for _ in range(5)] + [ask(gateway, model="sim-large", n=2, max_tokens=8)]
        assert {answer.status for answer in answers} == {200}
        assert {answer.header("x-ratelimit-limit-requests") for answer in answers} == {"9999"}
        gateway.settled()
        records = gateway.records()[::-1]
        found = [{(f.policy, f.action, f.mode, f.reason) for f in record.findings} for record in records]
        late = ("watch", "deny", "audit", "rate_limit_exceeded")
        assert [late in one for one in found] == [False, False, True, True, True, True]
        assert ("watch", "deny", "audit", "policy_denied") in found[-1]
        assert not any(("policy_denied" in reason) for one in found[:-1] for _, _, _, reason in one)
        shown = get(gateway.gateway.ops_port, "/metrics").body.decode()
        line = 'gateway_decisions_total{action="deny",mode="audit",policy="watch",reason="rate_limit_exceeded"} 4.0'
        assert line in shown.splitlines()
        refused = [line for line in shown.splitlines() if line.startswith("gateway_refusals_total{")]
        assert all(line.endswith(" 0.0") for line in refused)
        assert set(usage(gateway)) == {"r"}, "callers do not see limits that are only watched"
