"""A provider's key with its own limits, through the whole gateway: who takes over, who is told what, what stays."""

import json

import pytest

from gateway.core.units import Unit
from gateway.stores.base import StoreUnavailable
from tests.support.administering import done
from tests.support.rawhttp import error_of
from tests.support.recording import recording
from tests.support.running import DIALECTS, MODELS, running
from tests.support.talking import ask, many, stopped, usage
from tests.support.upstream import EVENTS, answer, chunk, cut, ok, stall

POLICY = {
    "open": """\
version: 1
id: open
title: Open
status: stable
mode: enforce
owner: tests
description: Room for everybody.
match: all
limits:
  requests: {unit: requests, per: account, amount: 1000, window: 1m}
  slots: {unit: concurrent, per: account, amount: 100}
"""
}
PACE = {"pace": {"unit": "requests", "amount": 4, "window": "1m"}, "open": {"unit": "concurrent", "amount": 3}}
BOTH = {"sim-small": {**MODELS["sim-small"], "upstreams": ["main", "spare"]}}
SAID = ok(json.dumps({"choices": [], "usage": {"prompt_tokens": 30, "completion_tokens": 6}}).encode())


def entry(upstream, **more):
    return {"kind": "openai", "base_url": upstream.url + "/v1", "dialects": DIALECTS, "stream_usage": True, **more}


def used(gateway, upstream="main", model="sim-small"):
    """What an upstream's limits count once everything is settled, by unit."""
    gateway.settled()
    runtime = gateway.runtime
    specs = runtime.pipeline.gates.limits.specs(upstream, runtime.snapshot.catalogue.lookup(model))
    readings = gateway.call(runtime.store.peek(specs))
    return {reading.spec.unit: reading.spec.amount - reading.remaining for reading in readings}


def test_the_second_upstream_takes_over_and_hands_back(tmp_path):
    """The first one's minute is used up; the other serves; a quarter of a minute later the first is asked again."""
    clock = stopped()
    with recording(SAID) as main, recording(SAID) as spare:
        upstreams = {"main": entry(main, limits=PACE, weight=1000), "spare": entry(spare)}
        settings = {"upstreams": upstreams}
        with running(tmp_path, policies=POLICY, models=BOTH, settings=settings, clock=clock) as gateway:
            assert {ask(gateway).status for _ in range(20)} == {200}
            assert main.count() == 4
            assert spare.count() == 16
            clock.advance(15)
            assert {ask(gateway).status for _ in range(6)} == {200}
            assert main.count() == 5
            clock.advance(60)
            assert used(gateway) == {Unit.REQUESTS: 0, Unit.CONCURRENT: 0}
            [passed] = [
                line for line in gateway.runtime.metrics.render().decode().splitlines()
                if line.startswith('gateway_upstream_passed_over_total{reason="upstream_busy",upstream="main"}')
            ]  # fmt: skip
            assert float(passed.split()[1]) > 0
            gateway.settled()
            assert {record.outcome for record in gateway.records()} == {"complete"}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_with_nobody_left_the_model_is_busy_in_the_callers_dialect(tmp_path, dialect):
    clock = stopped()
    with (
        recording(SAID) as main,
        running(
            tmp_path, policies=POLICY, clock=clock, settings={"upstreams": {"main": entry(main, limits=PACE)}},
        ) as gateway,
    ):  # fmt: skip
        assert [ask(gateway).status for _ in range(4)] == [200] * 4
        before = usage(gateway)
        refused = ask(gateway, dialect)
        anthropic = dialect in ("messages", "count_tokens")
        error = error_of(refused, "anthropic" if anthropic else "openai")
        assert refused.status == (529 if anthropic else 503)
        assert (error["type"], error["code"]) == ("overloaded_error" if anthropic else "server_error", "upstream_busy")
        assert error["message"] == "the model server is busy; try again shortly"
        told = (refused.header("retry-after"), refused.header("retry-after-ms"), refused.header("x-should-retry"))
        assert told == ("15", "15000", "true")
        assert b"main" not in refused.body
        assert main.count() == 4
        gateway.settled()
        record = gateway.records()[0]
        assert (record.outcome, record.reason, record.attempts) == ("upstream_failed", "upstream_busy", 0)
        assert usage(gateway) == before, "nobody pays for not being served"
        clock.advance(14.999)
        assert ask(gateway, dialect).status == refused.status
        clock.advance(0.001)
        assert ask(gateway, dialect).status == 200, "whoever obeys the wait is served"


def test_what_a_caller_may_still_use_says_nothing_of_the_provider(tmp_path):
    limits = {"tokens": {"unit": "total_tokens", "amount": 777, "window": "1m"}}
    with (
        recording(SAID) as main,
        running(
            tmp_path, policies=POLICY, settings={"upstreams": {"main": entry(main, limits=limits)}}, clock=stopped()
        ) as gateway,
    ):
        served = ask(gateway, max_tokens=5)
        assert served.status == 200
        assert set(usage(gateway)) == {"requests", "slots"}
        refused = ask(gateway, max_tokens=4000)
        assert (refused.status, error_of(refused)["code"]) == (400, "request_exceeds_limit")
        assert refused.header("x-should-retry") == "false"
        for one in (served, refused):
            own = one.header("x-request-id")  # drawn by chance, and may have any digits in it
            assert "777" not in one.body.decode().replace(own, "")
            assert not [
                name for name, value in one.headers if "777" in value.replace(own, "") or "tokens" in name.lower()
            ]


def test_a_crowd_never_opens_more_than_the_key_may(tmp_path):
    """Twelve at once over three slots: three wait inside, the others are told, and then there is room again."""
    with (
        recording([stall, *SAID]) as main,
        running(
            tmp_path, policies=POLICY,
            settings={"upstreams": {"main": entry(main, limits={"open": PACE["open"]})}},
        ) as gateway,
    ):  # fmt: skip

        def call(_number):
            answer = ask(gateway)
            if answer.status == 503 and not released:
                refusals.append(answer.header("retry-after-ms"))
                if len(refusals) == 9:
                    released.append(True)
                    main._upstream._server.get_loop().call_soon_threadsafe(main._upstream.release)
            return answer.status

        refusals, released = [], []
        statuses = many(12, call)
        assert sorted(statuses) == [200] * 3 + [503] * 9
        assert refusals == ["1000"] * 9
        assert main.count() == 3
        assert used(gateway) == {Unit.CONCURRENT: 0}
        assert ask(gateway).status == 200


SPOILT = {
    "refused": (answer(429, head=b"Retry-After: 0\r\n"), 503),
    "failed": (answer(500), 502),
    "rejected": (answer(400), 400),
    "broken": ([cut], 502),
    "cut in the middle": ([*SAID[:1], cut], 502),
    "half a stream": ([EVENTS, chunk(b'data: {"choices":[{"index":0,"delta":{"content":"ab"}}]}\n\n'), cut], 200),
}


@pytest.mark.parametrize("what", SPOILT)
def test_after_every_failure_the_slots_are_free_and_the_request_is_counted(tmp_path, what):
    script, status = SPOILT[what]
    budget = {"day": {"unit": "requests", "amount": 50, "period": "day"}}
    with (
        recording(script) as main,
        running(
            tmp_path, policies=POLICY, clock=stopped(),
            settings={"upstreams": {"main": entry(main, limits={"open": PACE["open"]}, budgets=budget)}},
        ) as gateway,
    ):  # fmt: skip
        assert ask(gateway, stream=what == "half a stream").status == status
        assert used(gateway) == {Unit.CONCURRENT: 0, Unit.REQUESTS: 1}
        assert gateway.call(gateway.runtime.store.held()) == []


def test_an_upstream_that_is_not_there_costs_nothing(tmp_path):
    budget = {"day": {"unit": "requests", "amount": 50, "period": "day"}}
    upstreams = {
        "main": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "dialects": DIALECTS, "budgets": budget}
    }
    with running(tmp_path, policies=POLICY, settings={"upstreams": upstreams}) as gateway:
        assert ask(gateway).status == 502
        assert used(gateway) == {Unit.REQUESTS: 0}


def test_tokens_are_settled_as_reported(tmp_path):
    budget = {"day": {"unit": "total_tokens", "amount": 100_000, "period": "day"}}
    with (
        recording(SAID) as main,
        running(
            tmp_path, policies=POLICY, settings={"upstreams": {"main": entry(main, budgets=budget)}}, clock=stopped()
        ) as gateway,
    ):
        assert [ask(gateway, max_tokens=500).status for _ in range(3)] == [200] * 3
        assert used(gateway) == {Unit.TOTAL_TOKENS: 3 * 36}


def test_each_model_has_its_own_pace(tmp_path):
    each = {"pace": {"unit": "requests", "amount": 2, "window": "1m", "models": "each"}}
    with (
        recording(SAID) as main,
        running(
            tmp_path, policies=POLICY, settings={"upstreams": {"main": entry(main, limits=each)}}, clock=stopped()
        ) as gateway,
    ):
        assert [ask(gateway).status for _ in range(3)] == [200, 200, 503]
        assert [ask(gateway, model="sim-large").status for _ in range(3)] == [200, 200, 503]


@pytest.mark.interpreted
def test_operators_see_where_the_limits_stand(tmp_path):
    budgets = {"month": {"unit": "usd", "amount": 5, "period": "month"}}
    with recording(SAID) as main, recording(SAID) as spare:
        upstreams = {"main": entry(main, limits=PACE, budgets=budgets), "spare": entry(spare)}
        with running(tmp_path, policies=POLICY, settings={"upstreams": upstreams}, clock=stopped()) as gateway:
            assert ask(gateway).status == 200
            gateway.settled()
            first, second = done(gateway, "GET", "upstreams")["upstreams"]
            assert second == {"name": "spare", "healthy": True, "outstanding": 0, "limits": []}
            assert {one["limit"]: (one["used"], one["remaining"]) for one in first["limits"]} == {
                "upstream:main|concurrent||*": (0, 3),
                "upstream:main|requests|60s|*": (1, 3),
                "upstream:main|usd|month:UTC:1|*": (42_000, 5 * 10**9 - 42_000),
            }

            async def down(_specs):
                raise StoreUnavailable("down")

            gateway.runtime.store.peek = down
            first, second = done(gateway, "GET", "upstreams")["upstreams"]
            assert (first["healthy"], first["limits"], second["limits"]) == (True, None, [])
