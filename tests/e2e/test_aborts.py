"""Callers that leave at any moment leave nothing behind: no slot, no reservation, no task, no socket."""

import asyncio
import contextlib
import json
import random
from pathlib import Path

import pytest

from tests.support.running import running
from tests.support.talking import HELLO, PATHS, PROMPTS, STREAMED, ask, fresh_bridge, policy, used
from tests.support.upstream import EVENTS, ScriptedUpstream, chunk, stall

AT_ONCE = 60
LIMITS = (
    "slots: {unit: concurrent, per: account, amount: 200}, "
    "requests: {unit: requests, per: account, amount: 999999, window: 1m}"
)
BUDGETS = "money: {unit: usd, per: org, amount: 1000000, period: month}"
FAULTS = ["", "", "", "stall", "cut", "slow", "500", "429"]


def sockets():
    """Sockets that this process holds: callers', the gateway's and the upstream's, since all of them live here."""
    found = 0
    for one in Path("/proc/self/fd").iterdir():
        try:
            found += str(one.readlink()).startswith("socket:")
        except FileNotFoundError:
            continue
    return found


def a_request(picks, key):
    dialect = picks.choice(list(PATHS))
    fault = picks.choice(FAULTS)
    body = {"model": "sim-small", **PROMPTS[dialect]}
    if fault:
        body |= {"input": f"fault:{fault}"} if "input" in body else {}
        body |= {"prompt": f"fault:{fault}"} if "prompt" in body else {}
        body |= {"messages": [{"role": "user", "content": f"fault:{fault}"}]} if "messages" in body else {}
    if dialect in STREAMED and picks.random() < 0.7:
        body["stream"] = True
    payload = json.dumps(body).encode()
    head = (
        f"POST {PATHS[dialect]} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload


async def leave(picks, port, key):
    """Send some of a request, read some of its answer, and go: with a reset, or with an end in good order."""
    data = a_request(picks, key)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    how = picks.random()
    try:
        if how < 0.15:
            writer.write(data[: picks.randrange(len(data))])
            await writer.drain()
        else:
            writer.write(data)
            await writer.drain()
            wanted = picks.choice([0, 0, 1, 200, 700, 2500])
            while wanted > 0:
                got = await asyncio.wait_for(reader.read(min(wanted, 400)), 0.3)
                if not got:
                    break
                wanted -= len(got)
    except (TimeoutError, ConnectionError):
        pass
    finally:
        if how < 0.6:
            writer.transport.abort()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def leave_all(count, port, key, seed):
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(number):
        async with turn:
            await leave(random.Random(seed * 1_000_003 + number), port, key)

    await asyncio.gather(*(one(number) for number in range(count)))


@pytest.mark.timeout(400)
@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("mode", ["cancel", "drain"])
def test_random_aborts_leave_nothing_behind(tmp_path, count, mode):
    settings = {"on_client_abort": mode, "drain_max_s": 0.3, "keepalive_s": 0.2, "between_bytes_s": 2}
    with running(
        tmp_path, policies=policy(LIMITS, BUDGETS), upstream_settings=settings, delay_s=0.001
    ) as gateway:  # fmt: skip
        assert ask(gateway).status == 200
        before = at_rest(gateway)
        for round_ in range(max(1, count // 500)):
            asyncio.run(leave_all(min(count, 500), gateway.gateway.data_port, gateway.keys["acme"], round_))
            gateway.settled()
            fresh_bridge(gateway)
        assert gateway.call(gateway.runtime.store.held()) == []
        assert used(gateway)["slots"] == 0
        tasks, open_sockets = at_rest(gateway)
        assert tasks <= before[0]
        assert open_sockets <= before[1]
        statuses = gateway.runtime.pipeline.bridge.snapshot()
        assert [status.outstanding for status in statuses] == [0]
        outcomes = {record.outcome for record in gateway.records()}
        assert {"client_gone", "complete"} <= outcomes
        assert ask(gateway).status == 200


def at_rest(gateway):
    """Tasks and sockets once both have stopped falling: closing takes a few turns of the loop."""

    async def calm():
        seen, same = None, 0
        async with asyncio.timeout(20):
            while same < 20:
                now = len(asyncio.all_tasks()), sockets()
                same = same + 1 if now == seen else 0
                seen = now
                await asyncio.sleep(0.05)
        return seen

    return gateway.call(calm())


def test_an_abort_reaches_the_upstream_at_once(tmp_path):
    """Nobody pays for words that nobody reads: the upstream's connection ends with the caller's."""

    async def scenario():
        async with ScriptedUpstream([EVENTS, chunk(b'data: {"choices":[]}\n\n'), stall]) as upstream:
            with running(tmp_path, upstream=upstream.url + "/v1") as gateway:
                body = json.dumps({"model": "sim-small", "messages": HELLO, "stream": True}).encode()
                head = (
                    f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.keys['acme']}\r\n"
                    f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                ).encode()
                reader, writer = await asyncio.open_connection("127.0.0.1", gateway.gateway.data_port)
                writer.write(head + body)
                await asyncio.wait_for(reader.readuntil(b"choices"), 10)
                assert not upstream.peers[0].ended.is_set()
                reading = asyncio.create_task(upstream.peers[0].more())
                writer.transport.abort()
                assert await asyncio.wait_for(reading, 10) == b""
                upstream.release()

    asyncio.run(scenario())
