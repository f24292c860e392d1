"""Rules on texts in audit mode: nobody waits for them, and a request that never came so far says that of itself."""

import asyncio
import json
from contextlib import ExitStack

import pytest

from tests.support.rawhttp import Raw
from tests.support.rawhttp import request as http
from tests.support.ruled import Scene, rules
from tests.support.talking import PATHS, PROMPTS, STREAMED, code, policy
from tests.support.upstream import answer, stall

LATE = "rules: {hi: {when: {text: {phrases: hi}}, then: deny, per_request: true}}\n"
UNASKED = ("hi", "not_evaluated", "audit", "not_evaluated")


@pytest.fixture(scope="module")
def late(tmp_path_factory):
    limits = "few: {unit: requests, per: account, amount: 1, window: 1h, models: [sim-large]}"
    policies = {
        **policy(name="late", mode="audit", more=LATE),
        **policy(limits, name="doors", more="access: {max_n: 4}\n" + rules(deny="deny")),
    }
    with ExitStack() as stack:
        yield Scene(stack, tmp_path_factory.mktemp("late"), policies)


@pytest.mark.parametrize("dialect", STREAMED)
@pytest.mark.parametrize("stream", [False, True])
def test_a_rule_on_texts_in_audit_mode_refuses_nobody(late, dialect, stream):
    assert (late.ask(dialect, stream=stream).status, late.reached) == (200, 1)
    assert late.findings == [("hi", "deny", "audit", "policy_denied")]


def test_one_that_does_not_hold_leaves_nothing(late):
    assert late.ask(messages=[{"role": "user", "content": "good day"}]).status == 200
    assert late.findings == []


def test_of_a_refused_request_it_says_that_it_was_not_asked(late):
    assert code(late.ask(want="deny")) == "policy_denied"
    assert late.findings == [("deny", "deny", "enforce", "policy_denied"), UNASKED]
    assert code(late.ask(n=5)) == "policy_denied"
    assert late.findings == [UNASKED]
    assert late.ask(model="sim-large").status == 200
    assert late.findings == [("hi", "deny", "audit", "policy_denied")]
    assert code(late.ask(model="sim-large")) == "rate_limit_exceeded"
    assert late.findings == [UNASKED]


def test_of_a_request_that_the_upstream_refused_it_was_asked(late):
    script = answer(400, b'{"error":{"message":"no"}}')
    assert code(late.ask(script=script)) == "upstream_rejected"
    assert late.findings == [("hi", "deny", "audit", "policy_denied")]


def test_a_body_that_is_none_has_no_plan_and_no_findings(late):
    assert late.ask(model="nobody").status == 404
    assert late.findings == []


def test_it_is_asked_while_the_upstream_works(late):
    """The upstream has the request and says nothing yet; a caller that leaves now changes nothing any more."""

    async def found():
        async with asyncio.timeout(8):
            while not any(x.findings for x in late.gateway.runtime.live._tasks):
                await asyncio.sleep(0.005)

    before = late.upstream.count()
    late.upstream.play([stall])
    body = json.dumps({"model": "sim-small", **PROMPTS["chat"]}).encode()
    with Raw(late.gateway.gateway.data_port) as raw:
        raw.send(http(PATHS["chat"], body, key=late.gateway.keys["acme"]))
        late.gateway.call(found())
    late.gateway.settled()
    assert late.upstream.count() == before + 1
    assert late.record.outcome == "client_gone"
    assert late.findings == [("hi", "deny", "audit", "policy_denied")]
