"""Streams by the ten thousand whose callers leave at random: afterwards the gateway is as it was before.

What test_aborts.py asks of one process with its caller is asked here of `gateway serve` from outside, long enough for
a leak to show in its memory. `SOAK_STREAMS` sets how many there are in all (a whole night: 10000000).
"""

import asyncio
import json
import os
import re
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from bench.loop import new_loop
from bench.process import child, port_said
from tests.support.served import served
from tests.support.soaking import soak
from tests.support.talking import policy

STREAMS = int(os.environ.get("SOAK_STREAMS", "100000"))
BATCHES = 10
AT_ONCE = 96
LIMITS = (
    "slots: {unit: concurrent, per: account, amount: 1000}, "
    "requests: {unit: requests, per: account, amount: 999999999, window: 1m}"
)
BUDGETS = "money: {unit: usd, per: org, amount: 1000000, period: month}"
ROOM_BYTES = 12 << 20
"""What memory may grow by after the first tenth: caches and arenas that fill late."""
ROOM_EACH = 300
"""And for each stream: the ledger knows an ended reservation's id for two minutes, so that it is not used again."""
MOST_KEPT = 200_000
"""More than end in two minutes."""
PORT = re.compile(r"^mock ready: port (\d+)", re.MULTILINE)
OWN_TASKS = 2
"""Those that serve the question how many there are: a connection and its request, if they are not over yet."""
SHARES = {("cancel", "on"): 0.5, ("drain", "on"): 0.35, ("cancel", "off"): 0.15}
"""Of all streams: what becomes of the upstream when a caller leaves, and which lane serves."""


def resident(pid):
    """Bytes in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)[1]) << 10


def descriptors(pid):
    """Files and sockets that the process holds."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def samples(process, name):
    """Values of one metric, by its labels."""
    status, text = process.get("/metrics")
    assert status == 200
    found = re.findall(rf"^{name}(\{{.*?\}})? (\S+)$", text, re.MULTILINE)
    return {labels: float(value) for labels, value in found}


def lines(path):
    """Of the decision log, one by one: it is long."""
    with path.open() as log:
        yield from log


@pytest.mark.slow
@pytest.mark.timeout(max(600, STREAMS // 50))
@pytest.mark.parametrize(("on_abort", "lane"), SHARES)
def test_streams_and_aborts_leave_nothing_behind(tmp_path, on_abort, lane):
    streams = max(BATCHES * 50, round(STREAMS * SHARES[on_abort, lane]))
    log = tmp_path / "upstream.log"
    here = os.sched_getaffinity(0)
    with child([sys.executable, "-m", "bench.mock_upstream"], here, log) as mock:
        upstream = f"http://127.0.0.1:{port_said(mock, log, PORT)}/v1"
        settings = {"data": {"port": 0, "hot_lane": lane}}
        options = {"on_client_abort": on_abort, "drain_max_s": 1, "keepalive_s": 0.5}
        told = tmp_path / "tasks.json"
        with served(
            tmp_path / "gateway",
            upstream,
            program=("tests.support.telling_tasks", str(told)),
            settings=settings,
            policies=policy(LIMITS, BUDGETS),
            upstream_settings=options,
        ) as (process, keys, _):
            check(process, keys["acme"], streams, told)
            assert sum(samples(process, "gateway_hot_lane").values()) == (lane == "on")


def tasks(process, told):
    """How many there are, as the process itself sees it."""
    told.unlink(missing_ok=True)
    process.signal(signal.SIGUSR2)
    assert process.get("/healthz")[0] == 200  # an idle interpreter does not notice a signal
    process.eventually(told.exists, "the tasks are told")
    return sum(json.loads(told.read_text()).values())


def check(process, key, streams, told):
    pid = process.process.pid
    all_of_them = settled_in(process, key)
    before, tasks_before = descriptors(pid), tasks(process, told)
    sizes = []
    for batch in range(BATCHES):
        with asyncio.Runner(loop_factory=new_loop) as runner:
            tally = runner.run(soak(process.port, key, streams=streams // BATCHES, at_once=AT_ONCE, seed=batch))
        assert tally.wrong == []
        all_of_them.add(tally)
        process.eventually(lambda: idle(process), "nothing is under way any more")
        sizes.append(resident(pid))
    process.eventually(lambda: descriptors(pid) <= before, f"no socket is left, of {before} before")
    few = tasks_before + OWN_TASKS
    process.eventually(lambda: tasks(process, told) <= few, f"no task is left, of {tasks_before} before: {told}")
    assert sizes[-1] - sizes[0] < ROOM_BYTES + ROOM_EACH * min(all_of_them.begun, MOST_KEPT), sizes
    assert len(all_of_them.whole) > streams // 4
    assert len(all_of_them.answered - all_of_them.whole) > streams // 10
    once(process, key, all_of_them)


def settled_in(process, key):
    """The first requests: what is made when it is first needed is no leak."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        warm = runner.run(soak(process.port, key, streams=20, at_once=2, seed=-1))
    process.eventually(lambda: idle(process), "the first requests are over")
    return warm


def idle(process):
    gauges = ("requests_in_flight", "reservations_held", "inflight_body_bytes", "connections_open")
    return all(sum(samples(process, f"gateway_{gauge}").values()) == 0 for gauge in gauges)


def once(process, key, tally):
    """Every request has one record at most, and every one that was answered has it; each reservation was settled once,
    and what the ledger charged is what the records say.
    """
    path = process.folder / "decisions.jsonl"
    reserved = samples(process, "gateway_store_operations_total")['{op="reserve",outcome="granted"}']
    process.eventually(lambda: sum(1 for _ in lines(path)) >= reserved, "all records are written")
    status, usage = process.get("/v1/usage", process.port, key)
    assert status == 200
    limits = {entry["limit"]: entry for entry in json.loads(usage)["limits"]}
    assert limits["slots"]["used"] == 0
    outcomes, seen, cost, held = Counter(), Counter(), 0, 0
    by_id = {}
    for record in map(json.loads, lines(path)):
        if record["route"] != "chat":
            continue
        seen[record["request_id"]] += 1
        outcomes[record["outcome"]] += 1
        by_id[record["request_id"]] = record["outcome"]
        cost += record["cost_nano_usd"]
        held += record["reserved_nano_usd"] > 0
    assert set(seen.values()) == {1}
    assert set(outcomes) == {"complete", "client_gone"}
    assert tally.answered <= set(seen)
    assert {by_id[name] for name in tally.whole} == {"complete"}
    assert held == reserved == sum(samples(process, "gateway_settlements_total").values())
    assert limits["money"]["used"] == cost
    assert sum(samples(process, "gateway_decision_log_dropped_total").values()) == 0
    assert len(seen) <= tally.begun
    path.unlink()  # a hundred megabytes that nobody misses
