"""Requests that a rule slows down: they hold what they reserved, reach nobody before their time, and may end early."""

import asyncio
import json
import threading
from contextlib import ExitStack

import pytest

from tests.support.rawhttp import Raw
from tests.support.rawhttp import request as http
from tests.support.ruled import EVERY, Scene, rules
from tests.support.talking import PATHS, PROMPTS, ask, code, get, policy, stopped, used

SLOWING = rules(some="{slow: 7s}", more="{slow: 30s}").replace("want: some", "want: ['some', 'more']")
ENDING = rules(some="{slow: 7s}, until: '2027-01-15T08:01:00Z'")
"""A minute after the beginning of `stopped`."""
LIMITS = (
    "one: {unit: concurrent, per: account, amount: 1}, "
    "requests: {unit: requests, per: account, amount: 90, window: 1d}, "
    "tokens: {unit: total_tokens, per: account, amount: 900000, window: 1d}"
)
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
        self.gateway.runtime.pipeline.delays.sleep = self._held if held else self._pass
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
        return [one.id for one in self.gateway.call(self.gateway.runtime.store.held())]


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    with ExitStack() as stack:
        yield Slowed(stack, tmp_path_factory.mktemp("g"), {**policy(name="slow", more=SLOWING), **AUDIT}, held=False)


@pytest.fixture
def held(tmp_path):
    with ExitStack() as stack:
        yield Slowed(stack, tmp_path, policy(LIMITS, MONEY, name="slow", more=SLOWING))


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
        assert code(ask(held.gateway, headers=(b"want: some",))) == "concurrency_limit_exceeded"
        assert held.waits == [7], "who is refused does not wait"
        held.release()
        assert raw.answer().status == 200
    held.gateway.settled()
    assert held.upstream.count() == 1


def test_a_caller_that_leaves_meanwhile_pays_no_token(held):
    with Raw(held.gateway.gateway.data_port) as raw:
        held.begin(raw)
    held.gateway.settled()
    assert (held.upstream.count(), held.held()) == (0, [])
    assert (held.record.outcome, held.record.client_abort_phase) == ("client_gone", "wait")
    assert used(held.gateway) == {"one": 0, "requests": 1, "tokens": 0, "money": 0}


def test_at_the_end_of_the_grace_period_it_is_told_to_come_back_and_pays_nothing(held):
    async def stop():
        return held.gateway.runtime.live.stop_all()

    with Raw(held.gateway.gateway.data_port) as raw:
        held.begin(raw)
        assert held.gateway.call(stop()) == 1
        answer = raw.answer()
    held.gateway.settled()
    assert (answer.status, code(answer), answer.header("x-should-retry")) == (503, "draining", "true")
    assert (held.upstream.count(), held.held(), held.record.outcome) == (0, [], "shutdown")
    assert used(held.gateway) == {"one": 0, "requests": 0, "tokens": 0, "money": 0}


@pytest.mark.parametrize("grace_s", [0, 30])
def test_draining_waits_for_it_within_the_grace_period(tmp_path, grace_s):
    with ExitStack() as stack:
        settings = {"timers": {"drain_s": grace_s}}
        scene = Slowed(stack, tmp_path, policy(name="slow", more=SLOWING), settings=settings)
        raw = stack.enter_context(Raw(scene.gateway.gateway.data_port))
        scene.begin(raw)
        draining = asyncio.run_coroutine_threadsafe(scene.gateway.gateway.drain(), scene.gateway.loop)
        if grace_s:
            scene.release()
        draining.result(timeout=20)
        assert raw.answer().status == (200 if grace_s else 503)
        assert scene.upstream.count() == (1 if grace_s else 0)


def test_of_one_account_only_so_many_wait_and_the_next_is_told_to_come_back(tmp_path):
    requests = "requests: {unit: requests, per: account, amount: 90, window: 1d}"
    with ExitStack() as stack:
        settings = {"limits": {"max_inflight_requests": 32}}
        scene = Slowed(stack, tmp_path, policy(requests, name="slow", more=SLOWING), settings=settings)
        waiting = [stack.enter_context(Raw(scene.gateway.gateway.data_port)) for _ in range(2)]
        for raw in waiting:
            scene.waiting.clear()
            scene.begin(raw)
        assert "gateway_requests_slowed 2.0" in scraped(scene)
        answer = ask(scene.gateway, headers=(b"want: some",))
        assert (answer.status, code(answer), answer.header("x-should-retry")) == (503, "overloaded", "true")
        assert (answer.header("retry-after"), answer.header("x-gateway-delay")) == ("7", None)
        assert scene.upstream.count() == 0
        assert ask(scene.gateway).status == 200, "who is not slowed is served"
        scene.release()
        assert [raw.answer().status for raw in waiting] == [200, 200]
        assert ask(scene.gateway, headers=(b"want: some",)).status == 200
        assert "gateway_requests_slowed 0.0" in scraped(scene)
        assert used(scene.gateway) == {"requests": 4}


def scraped(scene):
    return get(scene.gateway.gateway.ops_port, "/metrics").body.decode().splitlines()


def test_it_ends_as_it_was_ruled_whatever_changes_meanwhile(tmp_path):
    """A reload, and the rule's own end: both are for the requests that come after it."""
    with ExitStack() as stack:
        scene = Slowed(stack, tmp_path, policy(name="slow", more=ENDING))
        revision = scene.gateway.runtime.snapshot.policies.revision
        with Raw(scene.gateway.gateway.data_port) as raw:
            scene.begin(raw)
            scene.clock.advance(120)
            (tmp_path / "policies" / "slow.yaml").write_text(policy(name="slow", more=rules(other="deny"))["slow"])
            assert scene.gateway.call(scene.gateway.runtime.reload()) == []
            scene.release()
            answer = raw.answer()
        scene.gateway.settled()
        assert (answer.status, answer.header("x-gateway-delay")) == (200, "7s")
        assert (scene.record.revision, scene.findings) == (revision, [("some", "slow", "enforce", "slowed")])
        assert scene.ask(want="some").header("x-gateway-delay") is None
        assert scene.record.revision == scene.gateway.runtime.snapshot.policies.revision != revision


def test_a_rule_that_has_run_out_slows_nobody(tmp_path):
    with ExitStack() as stack:
        scene = Slowed(stack, tmp_path, policy(name="slow", more=ENDING), held=False)
        assert scene.ask(want="some").header("x-gateway-delay") == "7s"
        scene.clock.advance(120)
        assert scene.ask(want="some").header("x-gateway-delay") is None
        assert (scene.waits, scene.findings) == ([7], [])
