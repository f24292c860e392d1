"""Whatever happens to a request, what it reserved is settled once, never twice, never free; and it is recorded once.

Hypothesis draws batches of requests: a dialect, stream or not, a fault of the upstream, and a point at which the
caller leaves, the store fails or the gateway shuts the exchange down. Real sockets, the real pipeline, a real store
behind a shim that counts what is asked of it.
"""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.core.units import Unit
from gateway.stores.base import StoreUnavailable
from tests.support.running import running
from tests.support.talking import fresh_bridge

POLICY = """\
version: 1
id: everything
title: One of each
status: stable
mode: enforce
owner: tests
description: A limit of every kind, none of them in the way.
match: all
limits:
  requests: {unit: requests, per: account, amount: 1000000, window: 1m}
  input: {unit: input_tokens, per: account, amount: 100000000, window: 1m}
  slots: {unit: concurrent, per: account, amount: 10000}
budgets:
  tokens: {unit: total_tokens, per: account, amount: 1000000000, period: day}
  money: {unit: usd, per: org, amount: 1000000, period: month}
"""
UPSTREAM_LIMITS = {
    "limits": {
        "pace": {"unit": "requests", "amount": 1_000_000, "window": "1m"},
        "open": {"unit": "concurrent", "amount": 10_000},
    },
    "budgets": {"money": {"unit": "usd", "amount": 1_000_000, "period": "month"}},
}
"""Of the upstream's key: each attempt has a reservation of its own, which the same rule holds for."""
BODIES = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "PROMPT"}]},
    "/v1/completions": {"prompt": "PROMPT"},
    "/v1/responses": {"input": "PROMPT"},
    "/v1/messages": {"messages": [{"role": "user", "content": "PROMPT"}], "max_tokens": 40},
    "/v1/embeddings": {"input": "PROMPT"},
    "/v1/messages/count_tokens": {"messages": [{"role": "user", "content": "PROMPT"}]},
}
FAULTS = ["", "", "", "cut", "error", "no-usage", "500", "429", "400", "stall"]
FREE = {"refused", "upstream_failed"}


class CountingStore:
    """A store that counts reserves and settles by id and can be told to fail."""

    def __init__(self, store):
        self._store = store
        self.granted = Counter()
        self.settled = Counter()
        self.fail_reserve = 0

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def reserve(self, reservation_id, specs, amounts, on_expiry, ttl_ms):
        if self.fail_reserve:
            self.fail_reserve -= 1
            raise StoreUnavailable("down")
        verdict = await self._store.reserve(reservation_id, specs, amounts, on_expiry, ttl_ms)
        self.granted[reservation_id] += verdict.granted
        return verdict

    def settle(self, reservation_id, actual):
        self.settled[reservation_id] += 1
        self._store.settle(reservation_id, actual)


@dataclass
class Job:
    path: str
    stream: bool
    fault: str
    leave_after: int | None
    """Response bytes after which the caller leaves; None: never, -1: in the middle of its own body."""


jobs = st.builds(
    Job,
    st.sampled_from(sorted(BODIES)),
    st.booleans(),
    st.sampled_from(FAULTS),
    st.one_of(st.none(), st.none(), st.sampled_from([-1, 0, 1, 300, 800, 2000, 6000])),
)


EVERY_ENDING = [
    *(Job(path, True, "", 1500) for path in BODIES),
    *(Job(path, False, "", None) for path in BODIES),
    *(Job("/v1/chat/completions", True, fault, None) for fault in ("cut", "stall", "no-usage")),
    *(Job("/v1/messages", False, fault, None) for fault in ("400", "429")),
    Job("/v1/responses", True, "", -1),
]
"""One batch that has every outcome in it, whatever Hypothesis draws."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with running(
        tmp_path_factory.mktemp("gateway"), policies={"everything": POLICY}, delay_s=0.0005,
        upstream_settings={"first_byte_s": 0.4, "between_bytes_s": 0.3, **UPSTREAM_LIMITS},
    ) as one:  # fmt: skip
        counting = CountingStore(one.runtime.store)
        one.runtime.store = one.runtime.pipeline.scales.store = counting
        yield one


async def _run(job, port, key):
    body = json.dumps(BODIES[job.path]).replace("PROMPT", f"tell me fault:{job.fault} things" if job.fault else "hello")
    document = {"model": "sim-small", **json.loads(body)}
    if job.stream and "embeddings" not in job.path and "count" not in job.path:
        document["stream"] = True
    payload = json.dumps(document).encode()
    head = (
        f"POST {job.path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n"
        f"connection: close\r\ncontent-length: {len(payload)}\r\n\r\n"
    ).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        if job.leave_after == -1:
            writer.write(head + payload[: len(payload) // 2])
            await writer.drain()
            return
        writer.write(head + payload)
        await writer.drain()
        seen = 0
        while job.leave_after is None or seen < job.leave_after:
            data = await asyncio.wait_for(reader.read(256), 20)
            if not data:
                return
            seen += len(data)
        writer.transport.abort()
    finally:
        writer.close()


async def _batch(batch, port, key):
    await asyncio.gather(*(_run(job, port, key) for job in batch), return_exceptions=True)


def _used(gateway, unit):
    async def peek():
        account = gateway.runtime.snapshot.directory.accounts["acme"]
        record = next(r for r in gateway.runtime.snapshot.directory.keys.values() if r.principal.account is account)
        limits = gateway.runtime.snapshot.policies.limits_for(
            record.principal, gateway.runtime.snapshot.catalogue.models, gateway.runtime.clock.now_ms()
        )
        readings = await gateway.runtime.store.peek([limit.spec for limit in limits])
        return next(limit.spec.amount - r.remaining for limit, r in zip(limits, readings, strict=True)
                    if limit.spec.unit is unit)  # fmt: skip

    return gateway.call(peek())


def _used_upstream(gateway, unit):
    runtime = gateway.runtime
    specs = runtime.pipeline.gates.limits.specs("main", runtime.snapshot.catalogue.lookup("sim-small"))
    readings = gateway.call(runtime.store.peek(specs))
    return next(r.spec.amount - r.remaining for r in readings if r.spec.unit is unit)


def test_settled_once_recorded_once_never_free(gateway):
    store = gateway.runtime.store
    seen = Counter()

    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        batch=st.lists(jobs, min_size=1, max_size=12),
        store_failures=st.sampled_from([0, 0, 0, 1, 3]),
        shutdown=st.booleans(),
    )
    @example(batch=EVERY_ENDING, store_failures=0, shutdown=False)
    @example(batch=[Job("/v1/messages", True, "", None)] * 6, store_failures=1, shutdown=True)
    def check(batch, store_failures, shutdown):
        fresh_bridge(gateway)
        store.fail_reserve = store_failures
        before = {record.id for record in gateway.records()}
        money, tokens = _used(gateway, Unit.USD), _used(gateway, Unit.TOTAL_TOKENS)
        upstream_money = _used_upstream(gateway, Unit.USD)

        async def stop_soon():
            await asyncio.sleep(0.01)
            gateway.runtime.live.stop_all()

        if shutdown:
            asyncio.run_coroutine_threadsafe(stop_soon(), gateway.loop)
        asyncio.run(_batch(batch, gateway.gateway.data_port, gateway.keys["acme"]))
        gateway.settled()
        store.fail_reserve = 0

        assert max(store.granted.values(), default=0) <= 1
        assert store.settled == +store.granted
        assert gateway.call(gateway.runtime.store.held()) == []
        new = [record for record in gateway.records() if record.id not in before]
        assert len({record.id for record in new}) == len(new) <= len(batch)
        assert _used(gateway, Unit.CONCURRENT) == _used_upstream(gateway, Unit.CONCURRENT) == 0
        # What callers are not charged for, because an upstream never answered, it may have worked on all the same.
        assert _used_upstream(gateway, Unit.USD) - upstream_money >= sum(record.cost_nano_usd for record in new)
        assert _used(gateway, Unit.USD) - money == sum(record.cost_nano_usd for record in new)
        usages = [record.usage for record in new if record.usage is not None]
        assert _used(gateway, Unit.TOTAL_TOKENS) - tokens == sum(usage.total_tokens for usage in usages)
        for record in new:
            seen[record.outcome, record.client_abort_phase] += 1
            if record.dialect != "count_tokens" and _began(record):
                assert record.cost_nano_usd > 0, record

    check()
    outcomes = {outcome for outcome, _ in seen}
    assert outcomes >= {
        "complete",
        "client_gone",
        "upstream_cut",
        "timed_out",
        "upstream_failed",
        "refused",
        "shutdown",
    }
    assert {("client_gone", "body"), ("client_gone", "answer")} <= set(seen)


def _began(record):
    """Whether a model worked for the caller: an answer began, or the caller left while it was awaited."""
    if record.outcome == "client_gone":
        return record.client_abort_phase != "body"
    return record.outcome in {"complete", "upstream_cut", "timed_out", "shutdown"} and record.status == 200
