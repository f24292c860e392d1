"""Two whole gateways that differ in nothing but their lane, and one raw conversation held with both.

    with twins(tmp_path) as both:
        hot, reference = both.play([request(CHAT, body, key=both.keys["acme"])])
        assert hot == reference

What a conversation left behind is compared: answers, whether the connection stays open, what reached the upstream, the
decision records, the counters. Both clocks stand still meanwhile, so that times are equal, too.
"""

import asyncio
import concurrent.futures
import contextlib
import json
import re
import socket
import struct
import urllib.request
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from pathlib import Path
from typing import Any, NamedTuple

from gateway.cli.demo import new_key
from gateway.core.clock import ManualClock
from tests.support.lane_upstream import by_text
from tests.support.rawhttp import CHAT, Closed, Raw, RawAnswer, request
from tests.support.recording import Recording, recording
from tests.support.running import OPEN_POLICY, Running, running

PROBE = "probe-of-the-connection"
_BETWEEN_S = 3600.0
"""From one conversation to the next: a breaker that the last one opened, and its limits, are as before it."""
_NEWEST = 64
"""Records that are looked at: no conversation makes more."""
ACCOUNTS = {
    "acme": {"tier": "developer"},
    "ada": {"tier": "free"},
    "gone": {"tier": "free", "suspended": True},
}
POLICIES = {
    "open": OPEN_POLICY,
    "scarce": """\
version: 1
id: scarce
title: Two requests
status: stable
mode: enforce
owner: tests
description: The free tier is limited at once.
match: {tier: free}
limits:
  requests: {unit: requests, per: account, amount: 2, window: 1m}
""",
}
SETTINGS = {
    "timers": {"head_s": 5, "keepalive_s": 30, "body_s": 1, "drain_s": 1},
    "limits": {
        "body_bytes": 1 << 20,
        "inflight_body_bytes": 4 << 20,
        "inflight_body_bytes_per_account": 2 << 20,
        "head_bytes": 32768,
        "headers": 100,
    },
}


class Do(Enum):
    """What a caller does besides sending."""

    AWAIT_UPSTREAM = auto()
    """Until one more request has reached the upstream."""
    READ_BEGINNING = auto()
    """An answer's head and the first piece of its stream."""
    READ_ANSWER = auto()
    CUT = auto()
    """Reset the connection: the end of the conversation."""
    LEAVE = auto()
    """Close it in good order: the end, too."""
    HALF_CLOSE = auto()


Step = bytes | Do


class Seen(NamedTuple):
    """What one conversation left behind."""

    answers: list[Any]
    ending: str
    upstream: list[tuple[bytes, bytes]]
    records: list[dict[str, Any]]
    counters: dict[str, float]


class Lane:
    """One of the two gateways with its own upstream."""

    def __init__(self, gateway: Running, upstream: Recording, clock: ManualClock) -> None:
        self.gateway = gateway
        self.upstream = upstream
        self.clock = clock

    def play(self, steps: Sequence[Step]) -> Seen:
        """One connection; afterwards a plain request tells whether it is still open."""
        self.clock.advance(_BETWEEN_S)
        before, asked = self._counters(), self.upstream.count()
        known = {record.id for record in self.gateway.records()[:_NEWEST]}
        answers, ending = self._converse(steps)
        self.gateway.settled()
        records = [record.as_dict() for record in self.gateway.records()[:_NEWEST] if record.id not in known]
        after = self._counters()
        return Seen(
            answers,
            ending,
            [(self._plain(head), self._plain(body)) for head, body in self.upstream._upstream.requests[asked:]],
            [_without_ids(record) for record in reversed(records)],
            {name: grown for name in after if (grown := round(after[name] - before.get(name, 0.0), 9))},
        )

    def _converse(self, steps: Sequence[Step]) -> tuple[list[Any], str]:
        answers: list[Any] = []
        forwarded = self.upstream.count()
        with Caller(self.gateway.gateway.data_port) as caller:
            try:
                for step in steps:
                    if isinstance(step, bytes):
                        caller.send(step)
                        self._turn()
                    elif step is Do.AWAIT_UPSTREAM:
                        forwarded += 1
                        self._until_upstream(forwarded)
                    elif step is Do.READ_ANSWER:
                        answers.append(_shown(caller.whole()))
                    elif step is Do.READ_BEGINNING:
                        answers.append(_shown(caller.head()))
                        answers.append(caller._until(b"\n\n"))
                    elif step is Do.HALF_CLOSE:
                        caller.half_close()
                        self._turn()
                    else:
                        caller.leave(abruptly=step is Do.CUT)
                        self._turn()
                        return answers, "left"
                caller.send(request(CHAT, b"{", key=self.gateway.keys["acme"], headers=(_PROBE_LINE,)))
                while True:
                    found = caller.whole()
                    answers.append(_shown(found))
                    if found.header("x-request-id") == PROBE:
                        return answers, "open"
            except Closed as closed:
                return answers, f"closed after {closed.args[0]!r}"
            except TimeoutError:
                return answers, "hangs"

    def _turn(self) -> None:
        """Let the gateway's loop see what was sent before more of it is."""

        async def turns() -> None:
            for _ in range(6):
                await asyncio.sleep(0)

        self.gateway.call(turns())

    def _until_upstream(self, count: int) -> None:
        upstream = self.upstream._upstream

        async def arrived() -> None:
            await asyncio.wait_for(upstream.until(lambda: len(upstream.requests) >= count), 8)

        loop = upstream._server.get_loop()
        asyncio.run_coroutine_threadsafe(arrived(), loop).result(10)

    def _plain(self, data: bytes) -> bytes:
        return _ID.sub(b"req-*", data).replace(b":%d" % self.upstream.port, b":*")

    def _counters(self) -> dict[str, float]:
        with urllib.request.urlopen(self.gateway.ops_url + "/metrics", timeout=10) as found:
            lines = found.read().decode().splitlines()
        pairs = (line.rpartition(" ") for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs if not _LEFT_OUT.match(name)}


_PROBE_LINE = b"X-Request-Id: " + PROBE.encode()
_ID = re.compile(rb"req-[0-9A-Za-z]+")
_LEFT_OUT = re.compile(
    r"python_|process_|gateway_(hot_lane|connections_open|event_loop_lag|requests_in_flight|inflight|build"
    r"|\w+_seconds|upstream_connections|pool_)"
)
"""Timings, gauges of the moment, and the lanes' own."""
_OWN_TO_EACH = frozenset({"date", "x-gateway-decision-id"})


def _shown(answer: RawAnswer) -> tuple[int, list[tuple[str, str]], bytes]:
    headers = [(name, _ID.sub(b"req-*", value.encode()).decode()) for name, value in answer.headers]
    shown = sorted(pair for pair in headers if pair[0] not in _OWN_TO_EACH)
    return answer.status, shown, _ID.sub(b"req-*", answer.body)


def _without_ids(record: dict[str, Any]) -> dict[str, Any]:
    own = ("id", "request_id", "time", "duration_s", "overhead_s", "ttfb_s", "revision")
    return json.loads(_ID.sub(b"req-*", json.dumps({k: v for k, v in record.items() if k not in own}).encode()))


class Caller(Raw):
    """A raw client that also reads answers which end with their connection."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def whole(self) -> RawAnswer:
        found = self.head()
        if found.status < 200:
            return found
        if found.header("transfer-encoding") == "chunked":
            while size := int(self._until(b"\r\n"), 16):
                found.body += self._exactly(size)
                assert self._exactly(2) == b"\r\n"
            assert self._exactly(2) == b"\r\n"
        elif (length := found.header("content-length")) is not None:
            found.body = self._exactly(int(length))
        else:
            found.body = self.rest()
        return found

    def leave(self, *, abruptly: bool) -> None:
        if abruptly:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Twins:
    """The same conversation with both, at once."""

    def __init__(self, hot: Lane, reference: Lane) -> None:
        self.hot = hot
        self.reference = reference
        self.keys = hot.gateway.keys

    def play(self, steps: Sequence[Step]) -> tuple[Seen, Seen]:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            hot, reference = pool.map(lambda lane: lane.play(steps), (self.hot, self.reference))
        return hot, reference


@contextlib.contextmanager
def twins(folder: Path, **more: Any) -> Iterator[Twins]:
    """`more` goes to both, as to `running`."""
    keys = {name: new_key() for name in ACCOUNTS}
    with contextlib.ExitStack() as stack:
        lanes = []
        for lane in ("on", "off"):
            upstream, clock = stack.enter_context(recording([by_text])), ManualClock()
            gateway = stack.enter_context(
                running(
                    folder / lane,
                    upstream=upstream.url + "/v1",
                    settings={**SETTINGS, "data": {"port": 0, "hot_lane": lane}},
                    accounts=ACCOUNTS,
                    policies=POLICIES,
                    keys=keys,
                    clock=clock,
                    **more,
                )
            )
            lanes.append(Lane(gateway, upstream, clock))
        yield Twins(*lanes)
