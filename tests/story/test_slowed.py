"""Requests that a rule slows down: they hold what they reserved, reach nobody before their time, and may end early."""

import asyncio
import json
import threading
from contextlib import ExitStack

import pytest

from tests.support.rawhttp import Raw
from tests.support.rawhttp import request as http
from tests.support.ruled import EVERY, Scene, rules
from tests.support.talking import PATHS, PROMPTS, ask, code, policy, stopped, used

SLOWING = rules(some="{slow: 7s}", more="{slow: 30s}").replace("want: some", "want: ['some', 'more']")
LIMITS = "one: {unit: concurrent, per: account, amount: 1}, requests: {unit: requests, per: account, amount: 90, window: 1d}, tokens: {unit: total_tokens, per: account, amount: 900000, window: 1d}"
MONEY = "money: {unit: usd, per: account, amount: 1000, period: month}"
AUDIT = policy(name="trial", mode="audit", more=rules(trial="{slow: 9s}"))


class Slowed(Scene):
    """Its requests wait until `release`, or not at all where the clock may run."""

    def __init__(self, stack, folder, policies, *, held=True, **more):
        self.clock = stopped()
        super().__init__(stack, folder, policies, clock=self.clock, **more)
        self.waits = []
        self.waiting = threading.Event()
        self._go = asyncio.Event()
        self.gateway.runtime.pipeline.sleep = self._held if held else self._pass
        stack.callback(self.release)

    async def _pass(self, seconds):
        self.waits.append(seconds)
        self.clock.advance(seconds)

    async def _held(self, seconds):
        self.waits.append(seconds)
        self.waiting.set()
        await self._go.wait()

    def release(self):
        self.gateway.loop.call_soon_threadsafe(self._go.set)

    def begin(self, raw, want="some"):
        """Send a request, and come back when it waits."""
        body = json.dumps({"model": "sim-small", **PROMPTS["chat"]}).encode()
        headers = (f"want: {want}".encode(),)
        raw.send(http(PATHS["chat"], body, key=self.gateway.keys["acme"], headers=headers))
        assert self.waiting.wait(8)

    def held(self):
        return self.gateway.call(self.gateway.runtime.store.held())


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    with ExitStack() as stack:
        yield Slowed(stack, tmp_path_factory.mktemp("g"), {**policy(name="slow", more=SLOWING), **AUDIT}, held=False)


@pytest.fixture
def held(tmp_path):
    with ExitStack() as stack:
        yield Slowed(stack, tmp_path, policy(LIMITS, MONEY, name="slow", more=SLOWING), settings=SETTINGS)


SETTINGS = {"timers": {"drain_s": 0}}


@pytest.mark.parametrize(("dialect", "stream"), EVERY)
def test_the_wait_is_named_and_is_nobodys_overhead(scene, dialect, stream):
    scene.waits.clear()
    answer = scene.ask(dialect, "some", stream=stream)
    assert (answer.status, answer.header("x-gateway-delay"), scene.waits) == (200, "7s", [7])
    assert (scene.record.duration_s, scene.record.overhead_s) == (7.0, 0.0)
    assert scene.findings == [("some", "slow", "enforce", "slowed")]


def test_the_longest_wait_counts_and_all_are_recorded(scene):
    scene.waits.clear()
    assert scene.ask(want="more").header("x-gateway-delay") == "30s"
    assert scene.waits == [30]
    assert [found[0] for found in scene.findings] == ["more", "some"]


@pytest.mark.parametrize("want", ["", "trial"])
def test_others_do_not_wait(scene, want):
    scene.waits.clear()
    answer = scene.ask(want=want)
    assert (answer.status, answer.header("x-gateway-delay"), scene.waits) == (200, None, [])
    assert scene.findings == ([("trial", "slow", "audit", "slowed")] if want else [])


def test_while_it_waits_nothing_is_sent_and_its_reservation_stays(held):
    with Raw(held.gateway.gateway.data_port) as raw:
        held.begin(raw)
        assert held.upstream.count() == 0
        assert len(held.held()) == 1
        assert held.gateway.runtime.live.reserved_ids() == held.held(), "so that it is renewed"
        second = held.ask
        assert code(ask_now(held)) == "concurrency_limit_exceeded"
        assert held.waits == [7], "who is refused does not wait"
        held.release()
        assert raw.answer().status == 200
    held.gateway.settled()
    assert held.upstream.count() == 1
    assert second is not None


def ask_now(scene):
    from tests.support.talking import ask

    return ask(scene.gateway, headers=(b"want: some",))


def test_a_caller_that_leaves_meanwhile_pays_no_token(held):
    with Raw(held.gateway.gateway.data_port) as raw:
        held.begin(raw)
    held.gateway.settled()
    assert (held.upstream.count(), held.held()) == (0, [])
    assert (held.record.outcome, held.record.client_abort_phase) == ("client_gone", "wait")
    assert used(held.gateway) == {"one": 0, "requests": 1, "tokens": 0, "money": 0}


def test_at_the_end_of_the_grace_period_it_is_told_to_come_back(held):
    with Raw(held.gateway.gateway.data_port) as raw:
        held.begin(raw)
        held.gateway.call(held.gateway.gateway.drain())
        answer = raw.answer()
    assert (answer.status, code(answer)) == (503, "draining")
    assert answer.header("x-should-retry") == "true"
    print(held.gateway.runtime.ring._accounts, held.gateway.runtime.ring._strangers)
    assert (held.upstream.count(), held.record.outcome, held.record.usage.total_tokens) == (0, "shutdown", 0)
