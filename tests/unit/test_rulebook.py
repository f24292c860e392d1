"""Rules that nobody waits for: when they are asked, and what stands in the record where they were not."""

import asyncio

import pytest

from gateway.accounting.outcome import Outcome
from gateway.core import reasons
from gateway.identity.authenticate import claim
from gateway.rulebook import RuleBook
from tests.support.talking import policy
from tests.support.walking import FakeAnswer, Walk, at_once

TEXT = "rules: {hi: {when: {text: {phrases: hi}}, then: deny, per_request: true}}\n"
UNASKED = [("hi", "not_evaluated", "not_evaluated")]
HELD = [("hi", "deny", "policy_denied")]


@pytest.fixture
def walk(tmp_path):
    return Walk(tmp_path, policies=policy(name="late", mode="audit", more=TEXT))


def finish(walk, x, outcome=Outcome.REFUSED):
    walk.finish(x, outcome)
    return [(found.rule, found.action, found.reason) for found in walk.records()[0].findings]


def test_they_are_asked_when_the_request_is_on_its_way_and_its_answer_is_not_here(walk):
    order = []

    class Noted(RuleBook):
        def late(self, x):
            order.append("asked")
            super().late(x)

    walk.pipeline.rulebook = Noted()

    async def scenario():
        answered = asyncio.Event()

        async def send(_call):
            order.append("sent")
            await answered.wait()
            order.append("answered")
            return FakeAnswer(b"{}")

        walk.transport.send = send
        x = walk.ruled()
        assert await walk.pipeline.reserve(x) is None
        assert order == []
        forwarding = asyncio.create_task(walk.pipeline.forward(x))
        while "asked" not in order:
            await asyncio.sleep(0)
        assert order == ["sent", "asked"]
        assert [found.rule for found in x.findings] == ["hi"]
        answered.set()
        assert await forwarding is None
        return x

    x = asyncio.run(scenario())
    assert order == ["sent", "asked", "answered"], "once"
    assert finish(walk, x, Outcome.COMPLETE) == HELD


def test_a_limit_of_the_upstream_that_takes_its_time_does_not_let_them_come_before_the_request(tmp_path):
    """A store in Redis is waited for: nothing has been sent by then."""
    limits = {"limits": {"key": {"unit": "requests", "amount": 9, "window": "1m"}}}
    walk = Walk(tmp_path, policies=policy(name="late", mode="audit", more=TEXT), upstream_settings=limits)
    order = []
    reserve = walk.store.reserve

    async def slowly(*arguments):
        for _ in range(3):
            await asyncio.sleep(0)
        order.append("upstream reserved")
        return await reserve(*arguments)

    class Noted(RuleBook):
        def late(self, x):
            order.append("asked")
            super().late(x)

    async def scenario():
        x = walk.ruled()
        assert await walk.pipeline.reserve(x) is None
        walk.store.reserve, walk.pipeline.rulebook = slowly, Noted()
        send = walk.transport.send

        async def sent(call):
            order.append("sent")
            await asyncio.sleep(0)
            return await send(call)

        walk.transport.send, walk.transport.answers = sent, [FakeAnswer(b"{}")]
        assert await walk.pipeline.forward(x) is None
        walk.finish(x, Outcome.COMPLETE)

    asyncio.run(scenario())
    assert order == ["upstream reserved", "sent", "asked"]


def test_where_the_answer_is_there_at_once_they_are_asked_after_it(walk):
    x = asyncio.run(walk.forwarded(FakeAnswer(b"{}")))
    assert finish(walk, x, Outcome.COMPLETE) == HELD


def test_before_the_request_is_on_its_way_nobody_has_asked_them(walk):
    assert finish(walk, walk.ruled()) == UNASKED


def test_a_request_that_was_never_ruled_has_no_findings(walk):
    x = walk.enter()
    assert at_once(walk.pipeline.identify(x, claim(walk.bearer(), None))) is None
    assert walk.pipeline.read(x, b"{").reason is reasons.INVALID_JSON
    assert finish(walk, x) == []


def test_no_upstream_to_ask_means_that_they_were_not_asked(walk):
    async def scenario():
        x = walk.ruled()
        assert await walk.pipeline.reserve(x) is None
        x.upstreams = ()
        assert await walk.pipeline.forward(x) is not None
        x.inquiry = None  # as the handler does, once nobody needs the text any more
        walk.finish(x, Outcome.UPSTREAM_FAILED)
        await asyncio.sleep(0)  # what was to look in passing comes too late
        return x

    asyncio.run(scenario())
    assert [found.action for found in walk.records()[0].findings] == ["not_evaluated"]


def test_one_that_fails_says_nothing_of_the_text_and_counts_as_not_asked(walk, caplog):
    def broken(_inquiry):
        raise RuntimeError("hi")

    async def scenario():
        x = walk.ruled()
        assert await walk.pipeline.reserve(x) is None
        x.inquiry.read_texts = lambda: broken(None)
        walk.transport.answers = [FakeAnswer(b"{}")]
        assert await walk.pipeline.forward(x) is None
        return x

    x = asyncio.run(scenario())
    assert finish(walk, x, Outcome.COMPLETE) == UNASKED
    failed = [record for record in caplog.records if record.message == "a rule in audit mode failed"]
    assert len(failed) == 1
    assert "hi" not in str(failed[0].fields)
