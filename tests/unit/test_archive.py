"""What becomes of a finished exchange: counts with known labels, one record without content."""

import asyncio
import json
from copy import copy
from dataclasses import replace

import pytest

from gateway import archive, per_plan
from gateway.accounting.outcome import Outcome
from gateway.archive import Archive
from gateway.core import reasons
from gateway.core.refusal import Refusal
from gateway.identity.authenticate import claim
from gateway.observe.record_values import clean
from gateway.observe.records import keep
from gateway.per_plan import Plans
from gateway.policy.output.finding import OutputFinding
from gateway.policy.output.rule import OutputRule
from tests.support.talking import policy
from tests.support.walking import FakeAnswer, Walk, at_once

ANSWER = json.dumps({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}).encode()
LIMITS = "r: {unit: requests, per: account, amount: 10, window: 1m}"


@pytest.fixture
def walk(tmp_path):
    audit = policy("w: {unit: requests, per: account, amount: 1, window: 1m}", name="watch", mode="audit",
                   more="access: {max_n: 1}\n")  # fmt: skip
    return Walk(tmp_path, policies=policy(LIMITS) | audit)


def count(walk, name, **labels):
    """The value of one series of the scrape; 0 when it is not there."""
    for line in walk.runtime.metrics.render().decode().splitlines():
        series, _, value = line.rpartition(" ")
        if series.partition("{")[0] == name and all(f'{label}="{said}"' in series for label, said in labels.items()):
            return float(value)
    return 0.0


def answered(walk, **more):
    async def scenario():
        x = await walk.forwarded(FakeAnswer(ANSWER), **more)
        x.answer, x.status = ANSWER, 200
        return x

    return asyncio.run(scenario())


@pytest.mark.parametrize("slim", [False, True])
def test_a_complete_exchange(walk, slim):
    """A stream lets go of most things when it begins, and is recorded and counted like any other answer."""
    x = answered(walk, n=2, max_tokens=4)
    x.headers = {"user-agent": "relay/1", "x-stainless-retry-count": "2", "authorization": "Bearer ***"}
    if slim:
        x.slim()
        assert (x.readings, x.verdict.readings) == ((), ())
        assert x.headers == {"user-agent": "relay/1", "x-stainless-retry-count": "2"}
    x.first_byte_at = x.started_at + 0.25
    x.waited_s = 0.4
    walk.clock.advance(0.5)
    walk.finish(x, Outcome.COMPLETE)
    [record] = walk.records()
    assert record.id == x.id
    assert (record.account, record.tier, record.model, record.upstream) == ("acme", "developer", "sim-small", "main")
    assert (record.status, record.outcome, record.reason, record.attempts) == (200, "complete", "", 1)
    assert record.usage.output_tokens == 2
    assert record.cost_nano_usd == 3 * 1000 + 2 * 2000
    assert (record.reserved_input_tokens, record.reserved_output_tokens) == (17, 8)
    assert record.duration_s == pytest.approx(0.5)
    assert record.overhead_s == pytest.approx(0.1)
    assert record.ttfb_s == 0.25
    assert [(limit.policy, limit.limit, limit.reserved, limit.remaining) for limit in record.limits] == [
        ("tight", "r", 1, 9), ("watch", "w", 1, 0),
    ]  # fmt: skip
    assert [(finding.policy, finding.reason) for finding in record.findings] == [("watch", "policy_denied")]
    assert count(walk, "gateway_requests_total", route="chat", model="sim-small", outcome="complete") == 1
    assert count(walk, "gateway_tokens_total", direction="output") == 2 or count(walk, "gateway_tokens_total") > 0
    assert count(walk, "gateway_decisions_total", policy="tight", action="allow", mode="enforce") == 1
    assert count(walk, "gateway_decisions_total", policy="watch", action="deny", reason="policy_denied") == 1
    assert count(walk, "gateway_time_to_first_byte_seconds_sum") == 0.25
    assert count(walk, "gateway_limit_saturation_ratio_sum", limit="r") == pytest.approx(0.1)
    assert count(walk, "gateway_limit_saturation_ratio_sum", limit="w") == 1
    assert count(walk, "gateway_retries_observed_total") == 1


def test_nothing_of_the_content_is_kept(walk):
    secret = "a very private sentence"
    x = answered(walk, messages=[{"role": "user", "content": secret}], user=secret)
    walk.finish(x, Outcome.COMPLETE)
    line = walk.records()[0].as_line().decode()
    assert secret not in line
    assert walk.keys["acme"] not in line
    assert x.principal.key_id in line


def test_a_refusal_names_its_policy(walk):
    async def scenario():
        for _ in range(11):
            x = walk.ruled()
            refusal = await walk.pipeline.reserve(x)
        x.refusal, x.status = refusal, 429
        walk.finish(x, Outcome.REFUSED)

    asyncio.run(scenario())
    record = walk.records()[0]
    assert (record.policy, record.limit, record.reason) == ("tight", "r", "rate_limit_exceeded")
    assert [limit.failing for limit in record.limits if limit.policy == "tight"] == [True]
    assert record.usage is None
    assert count(walk, "gateway_refusals_total", route="chat", reason="rate_limit_exceeded") == 1
    assert count(walk, "gateway_decisions_total", policy="tight", action="deny", mode="enforce") == 1
    assert count(walk, "gateway_decisions_total", policy="tight", action="allow") == 0
    assert count(walk, "gateway_settlements_total") == 0


@pytest.mark.parametrize("phase", ["body", "wait", "answer"])
def test_how_far_it_was_when_the_caller_left(walk, phase):
    x = {"body": walk.enter, "wait": walk.ruled, "answer": lambda: answered(walk)}[phase]()
    walk.finish(x, Outcome.CLIENT_GONE)
    assert walk.records()[0].client_abort_phase == phase
    assert count(walk, "gateway_client_disconnects_total", phase=phase) == 1


def test_a_stranger_is_recorded_too(walk):
    x = walk.enter()
    x.refusal, x.status = Refusal(reasons.INVALID_API_KEY, "no"), 401
    walk.finish(x, Outcome.REFUSED)
    record = walk.records()[0]
    assert (record.account, record.model, record.policy, record.limits) == ("", "", "", ())
    assert count(walk, "gateway_requests_total", model="none", outcome="refused") == 1


def test_retries_of_the_sdks_are_counted(walk):
    for header in ("0", "1", "2"):
        walk.finish(walk.enter(**{"x-stainless-retry-count": header}), Outcome.REFUSED)
    walk.finish(walk.enter(), Outcome.REFUSED)
    assert count(walk, "gateway_retries_observed_total") == 2


def test_what_an_upstream_reports_against_all_evidence_is_marked(walk):
    answer = json.dumps({"choices": [{"message": {"content": "word " * 400}}], "usage": {"prompt_tokens": 0,
                         "completion_tokens": 0}}).encode()  # fmt: skip
    x = asyncio.run(walk.forwarded(FakeAnswer(answer)))
    x.answer = answer
    walk.finish(x, Outcome.COMPLETE)
    record = walk.records()[0]
    assert record.contradicted
    assert record.usage.estimated
    assert record.cost_nano_usd > 400 * 2000


RULES = """\
rules:
  seen: {when: {text: {phrases: [alpha beta]}}, then: {tag: greek}}
  many: {when: {n: {at_least: 2}, headers: {via: "*"}}, then: deny}
  less: {when: {logprobs: true}, then: {reduce: {logprobs: false}}}
  slow: {when: {seed: true}, then: {slow: 2s}}
"""


def ruled(tmp_path, mode="enforce", rules=RULES, **more):
    """A finished walk through policies with rules; the record of it."""
    walk = Walk(tmp_path, policies=policy(LIMITS, mode=mode, more=rules))

    async def scenario():
        x = await walk.forwarded(FakeAnswer(ANSWER), **more)
        x.answer, x.status = ANSWER, 200
        walk.finish(x, Outcome.COMPLETE)

    asyncio.run(scenario())
    return walk, walk.records()[0]


def test_what_rules_said_is_recorded(tmp_path):
    walk, record = ruled(
        tmp_path, logprobs=True, seed=1, temperature=0.5, messages=[{"role": "user", "content": "Alpha  BETA"}]
    )
    said = {(finding.rule, finding.action, finding.reason) for finding in record.findings}
    assert said == {("seen", "tag", "tagged"), ("less", "reduce", "request_reduced"), ("slow", "slow", "slowed")}
    assert (record.tags, record.delay_s, record.reduced) == (("greek",), 2, ("logprobs",))
    assert [(one.rule, one.holds) for one in record.conditions] == [("tight/many", False), ("tight/seen", True)]
    assert len({one.revision for one in record.conditions}) == 2
    assert all(len(one.revision) == 8 for one in record.conditions)
    for action, reason in (("tag", "tagged"), ("reduce", "request_reduced"), ("slow", "slowed")):
        assert count(walk, "gateway_decisions_total", policy="tight", action=action, reason=reason) == 1
    assert count(walk, "gateway_decisions_total", policy="tight", action="allow") == 1


def test_the_facts_are_those_of_the_request_as_it_came(tmp_path):
    _, record = ruled(tmp_path, logprobs=True, top_logprobs=3, temperature=0.5)
    assert (record.facts.logprobs, record.facts.top_logprobs, record.facts.temperature) == (True, 3, 0.5)
    assert (record.facts.messages, record.facts.user_turns, record.facts.standing) == (1, 1, "clear")


def test_rules_in_audit_mode_that_read_text_are_recorded_too(tmp_path):
    _, record = ruled(tmp_path, mode="audit", messages=[{"role": "user", "content": "alpha beta"}])
    assert ("seen", "tag", "audit") in {(finding.rule, finding.action, finding.mode) for finding in record.findings}
    assert ("tight/seen", True) in {(one.rule, one.holds) for one in record.conditions}
    assert record.tags == (), "in audit mode nothing is marked"
    assert record.facts.messages == 1


def test_without_rules_nothing_is_read_from_the_body(walk):
    x = answered(walk, temperature=0.5)
    assert x.inquiry is None
    assert x.facts is None
    walk.finish(x, Outcome.COMPLETE)
    facts = walk.records()[0].facts
    assert (facts.n, facts.prompt_tokens, facts.verified) == (1, 0, False)
    assert (facts.temperature, facts.messages, facts.media) == (None, None, None)


def refused_by(walk, **more):
    x = walk.enter()
    assert at_once(walk.pipeline.identify(x, claim(walk.bearer(), None))) is None
    assert walk.pipeline.read(x, walk.body(**more)) is None
    x.refusal = walk.pipeline.rule(x) or at_once(walk.pipeline.reserve(x))
    x.status = 403
    x.ask.body, x.inquiry = {}, None  # as whoever took it in lets go of it
    walk.finish(x, Outcome.REFUSED)
    return walk.records()[0]


@pytest.mark.parametrize(
    ("action", "reason"), [("deny", "policy_denied"), ("review", "review_required"), ("declare", "purpose_required")]
)
def test_a_refusal_by_a_rule_is_counted_once_as_what_it_is(tmp_path, action, reason):
    rules = f"rules: {{odd: {{when: {{n: {{at_least: 2}}}}, then: {action}}}}}\nclause: {{document: Terms}}\n"
    walk = Walk(tmp_path, policies=policy(LIMITS, more=rules))
    record = refused_by(walk, n=2, temperature=1)
    assert (record.policy, record.limit, record.reason, record.clause) == ("tight", "odd", reason, "Terms")
    assert [(one.rule, one.action, one.reason, one.clause) for one in record.findings] == [
        ("odd", action, reason, "Terms")
    ]
    assert record.facts.temperature == 1
    assert count(walk, "gateway_decisions_total", policy="tight", action=action, reason=reason) == 1
    lines = [line for line in walk.runtime.metrics.render().decode().splitlines() if "_decisions_total{" in line]
    assert len(lines) == 1


def test_a_refusal_by_a_limit_has_the_facts_too(tmp_path):
    limits = "rr: {unit: requests, per: account, amount: 1, window: 1h}"
    walk = Walk(tmp_path, policies=policy(limits, more="rules: {r: {when: {n: {at_least: 2}}, then: flag}}\n"))
    assert at_once(walk.pipeline.reserve(walk.ruled())) is None
    record = refused_by(walk, temperature=1)
    assert (record.reason, record.limit) == ("rate_limit_exceeded", "rr")
    assert record.facts.temperature == 1


@pytest.mark.parametrize(
    ("state", "action", "mode", "counted"),
    [
        ("matched", "stop", "audit", ("deny", "output_denied")),
        ("matched", "flag", "enforce", ("flag", "flagged")),
        ("not_evaluated", "stop", "enforce", ("not_evaluated", "not_evaluated")),
        ("clear", "stop", "enforce", None),
    ],
)
def test_what_came_of_output_rules(walk, state, action, mode, counted):
    x = answered(walk)
    rule = OutputRule("tight", "names", mode, "windowed", action, patterns=(0,), window=9)
    why = "cut" if state == "not_evaluated" else ""
    x.output_findings = (OutputFinding(rule, state, why),)
    walk.finish(x, Outcome.COMPLETE)
    [one] = walk.records()[0].output
    assert (one.policy, one.rule, one.action, one.mode) == ("tight", "names", action, mode)
    assert (one.state, one.why, one.ended, one.late) == (state, why, False, False)
    series = "gateway_decisions_total"
    if counted is None:
        assert count(walk, series, policy="tight", action="allow") == 1
        assert count(walk, series, reason="output_denied") == count(walk, series, reason="not_evaluated") == 0
    else:
        assert count(walk, series, policy="tight", action=counted[0], mode=mode, reason=counted[1]) == 1


def test_an_answer_that_a_rule_ended_is_counted_once(walk):
    x = answered(walk)
    rule = OutputRule("tight", "names", "enforce", "windowed", "stop", patterns=(0,), window=9)
    x.output_findings = (OutputFinding(rule, "matched", ended=True),)
    x.refusal = rule.denial()
    walk.finish(x, Outcome.POLICY_ENDED)
    assert walk.records()[0].output[0].ended
    assert count(walk, "gateway_decisions_total", policy="tight", reason="output_denied") == 1


class Caught:
    """A sink that keeps what it is given."""

    dropped = 0

    def __init__(self):
        self.kept = []

    def emit(self, record):
        self.kept.append(record)

    def reopen(self):
        """Nothing is open."""

    def close(self):
        """Nothing is open."""


def test_every_part_of_a_record_is_clean_when_it_is_encoded(tmp_path):
    """Whatever a key was put into by mistake: names of all kinds, marks, what the caller sent, in any ending."""
    key = "sk-ex-4fabc9"
    rules = (
        f"rules: {{{key}: {{when: {{n: {{at_least: 2}}}}, then: deny}}, {key}-2: {{when: {{headers: {{via: '*'}}}}, "
        f"then: flag}}, {key}-3: {{when: {{n: {{below: 2}}}}, then: {{tag: {key}}}}}}}\n"
        f"clause: {{document: {key}}}\naccess: {{max_n: 3}}\n"
    )
    accounts = {key: {"tier": key, "tags": [key], "declared_purpose": key}}
    limits = f"{key}-l: {{unit: requests, per: account, amount: 1, window: 1m}}"
    walk = Walk(
        tmp_path,
        policies=policy(limits, name=key, more=rules) | policy(limits, name=f"{key}-a", mode="audit", more=rules),
        accounts=accounts,
    )
    walk.pipeline.archive = Archive(walk.runtime.metrics, sink := Caught())

    async def scenario():
        for more in ({}, {}, {"n": 2}, {"n": 4}):
            x = walk.enter()
            x.request_id = key
            assert await walk.pipeline.identify(x, claim(walk.bearer(key), None)) is None
            assert walk.pipeline.read(x, walk.body(**more)) is None
            x.refusal = walk.pipeline.rule(x) or await walk.pipeline.reserve(x)
            if x.refusal is None:
                walk.transport.answers = [FakeAnswer(ANSWER)]
                assert await walk.pipeline.forward(x) is None
                x.answer = ANSWER
            walk.finish(x, Outcome.REFUSED if x.refusal is not None else Outcome.COMPLETE)
        lost = walk.enter()
        assert await walk.pipeline.identify(lost, claim(walk.bearer(key), None)) is None
        walk.finish(lost, Outcome.CLIENT_GONE)

    asyncio.run(scenario())
    records = [kept.record() for kept in sink.kept]
    assert [record.outcome for record in records] == ["complete", *["refused"] * 3, "client_gone"]
    assert all(record.findings for record in records[:4])
    assert records[0].tags
    assert records[0].conditions
    for kept in sink.kept:
        assert b"4fabc9" not in kept.line
        assert kept.account == "sk-ex-[redacted]"
        assert kept.line == keep(clean(kept.record())).line


def test_a_reload_of_the_labels_ends_what_was_bound_for_a_plan(walk):
    walk.finish(answered(walk), Outcome.COMPLETE)
    metrics = walk.runtime.metrics
    metrics.configure(["sim-small"], ["main"], ["watch"], ["w"])
    walk.finish(answered(walk), Outcome.COMPLETE)
    assert count(walk, "gateway_decisions_total", policy="tight") == 0
    assert count(walk, "gateway_decisions_total", policy="other", action="allow") == 1
    assert count(walk, "gateway_decisions_total", policy="watch", action="allow") == 2
    assert count(walk, "gateway_limit_saturation_ratio_count", policy="watch", limit="w") == 2
    assert count(walk, "gateway_limit_saturation_ratio_count", policy="other", limit="other") == 1


def test_counts_are_not_held_back_without_end(walk, monkeypatch):
    monkeypatch.setattr(archive, "MOST_HELD_BACK", 2)
    family = walk.runtime.metrics._requests  # a scrape would bring in what is held back
    seen = []
    for _ in range(4):
        x = answered(walk)
        x.first_byte_at = x.started_at + 0.25
        walk.finish(x, Outcome.COMPLETE)
        seen.append(family["chat", "sim-small", "complete"].value)
    assert seen == [0, 2, 2, 4]


def test_the_usual_end_and_any_other_are_counted_in_the_same_series(walk):
    for estimated in (False, True, False):
        x = answered(walk)
        x.first_byte_at = x.started_at + 0.25
        if estimated:
            x.answer = json.dumps({"choices": [{"message": {"content": "word"}}]}).encode()
        walk.clock.advance(0.5)
        walk.finish(x, Outcome.COMPLETE)
    assert count(walk, "gateway_requests_total", route="chat", model="sim-small", outcome="complete") == 3
    assert count(walk, "gateway_settlements_total", outcome="complete", estimated="false") == 2
    assert count(walk, "gateway_settlements_total", outcome="complete", estimated="true") == 1
    assert count(walk, "gateway_decisions_total", policy="tight", action="allow", mode="enforce") == 3
    for histogram in ("request_duration", "overhead", "time_to_first_byte", "upstream_duration"):
        assert count(walk, f"gateway_{histogram}_seconds_count") == 3
    assert count(walk, "gateway_request_duration_seconds_sum") == 1.5
    assert count(walk, "gateway_upstream_duration_seconds_sum", upstream="main") == 1.5
    assert count(walk, "gateway_limit_saturation_ratio_count", limit="r") == 3


def test_plans_are_not_remembered_without_end(walk, monkeypatch):
    monkeypatch.setattr(per_plan, "MOST", 2)
    plans = Plans(walk.runtime.metrics)
    exchanges = [walk.ruled() for _ in range(3)]
    account, model = exchanges[0].principal.account, exchanges[0].model
    made = [copy(x.plan) for x in exchanges]
    first = plans.of(made[0], account, model)
    assert plans.of(made[0], account, model) is first
    assert plans.of(made[0], replace(account), model) is not first
    known = [plans.of(plan, account, model) for plan in made]
    assert [plans.of(plan, account, model) is one for plan, one in zip(made[1:], known[1:], strict=True)] == [True] * 2
    assert plans.of(made[0], account, model) is not known[0]
