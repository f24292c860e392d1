"""Thousands of streams at once through one target: is every chunk there, how late, at what cost in CPU and memory.

Upstream and client of a crowd are this one process, which does both in turn: two would wake each other on their core
for every chunk.
"""

import gc
import math
import resource
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bench.compare.dripping import Upstream
from bench.compare.figures import Crowd
from bench.compare.listening import SAMPLED, Heard, Stream
from bench.compare.plan import ComparePlan
from bench.measure import cpu_ns, pss_kib
from bench.plan import BenchFailed
from bench.stage import Target
from bench.statistics import percentile
from bench.streams import request

_WARM_STREAMS: Final = 20
_MARGIN_S: Final = 1.0
_LATE_S: Final = 30.0
_SLACK: Final = 1.5
_CHUNKS_A_TURN: Final = 32
_EVENTS_A_TURN: Final = 64
_BUFFER: Final = 262_144
_OTHER_FILES: Final = 256
_BEHIND_MS: Final = 25.0
"""An upstream that writes its chunks so late, at the 99th percentile, measures itself."""
_FEW: Final = 16
_NAP_S: Final = 0.0002
"""A turn that found little to do is followed by a nap, so that the next one finds more: a turn for each chunk would
cost as much as the chunk. It is what a crowd's delays have of the load's own; epoll(7) would wait for a millisecond."""


def crowd(target: Target, plan: ComparePlan, upstream: Upstream) -> Crowd:
    """Streams begin evenly over the ramp; all of them are then open for as long as they are watched, and end.

    They are long enough for a ramp that takes half as long again. Raises BenchFailed when not all of them begin, or
    when what writes and reads the chunks cannot keep up by itself.
    """
    count = plan.crowd_streams
    enough_files(count)
    pace_s = plan.crowd_pace_ms / 1000
    each = math.ceil((_SLACK * plan.crowd_ramp_s + plan.crowd_s + _MARGIN_S) / pace_s)
    with _load(target, each, plan.crowd_pace_ms, upstream) as warming:
        _begun(warming, _WARM_STREAMS, pace_s)
    with _load(target, each, plan.crowd_pace_ms, upstream) as load:
        load.until(time.monotonic() + _MARGIN_S / 2)  # the others' streams are gone
        before_kib = pss_kib(target.pid) if target.pid else 0
        took = _begun(load, count, plan.crowd_ramp_s)
        if took > _SLACK * plan.crowd_ramp_s + _MARGIN_S / 2:
            raise BenchFailed(f"all {count:,} streams had begun after {took:.1f} s only, the first had nearly ended")
        load.until(time.monotonic() + _MARGIN_S / 2)
        heard = load.heard
        heard.delay_ns.clear()
        upstream.late_ns.clear()
        cpu, began, chunks = cpu_ns(target.pid) if target.pid else 0, time.monotonic(), heard.chunks
        load.until(began + plan.crowd_s)
        took, used = time.monotonic() - began, (cpu_ns(target.pid) if target.pid else 0) - cpu
        came, delays = heard.chunks - chunks, list(heard.delay_ns)
        if not delays:
            raise BenchFailed(f"all {count:,} streams had begun, and then no chunk came")
        behind_ms = percentile(upstream.late_ns, 0.99) / 1e6 if upstream.late_ns else 0.0
        if behind_ms > _BEHIND_MS:
            raise BenchFailed(f"the load itself fell behind: one chunk in 100 was written {behind_ms:.0f} ms late")
        after_kib = pss_kib(target.pid) if target.pid else 0
        give_up = time.monotonic() + each * pace_s + _LATE_S
        while heard.ended + heard.broken < count and time.monotonic() < give_up:
            load.turn()  # what does not come is counted, not awaited
    return Crowd(
        streams=count,
        expected=each * count,
        came=heard.chunks,
        per_s=came / took,
        p50_ms=percentile(delays, 0.5) / 1e6,
        p99_ms=percentile(delays, 0.99) / 1e6,
        cpu_share=used / 1e9 / took,
        kib_per_stream=(after_kib - before_kib) / count,
    )


def enough_files(count: int) -> None:
    """Let this process hold both ends of so many streams. Raises BenchFailed where it may not."""
    needed = 2 * count + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise BenchFailed(f"{count:,} streams need {needed:,} open files, and the hard limit is {hard:,} (ulimit -Hn)")
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


class Load:
    """The streams of one target, and the upstream behind it: `turn` does a little of everything that is due."""

    def __init__(self, target: Target, each: int, pace_ms: int, upstream: Upstream) -> None:
        self.heard = Heard()
        self._port, self._each = target.streams_port, each
        self._data = request(target.key, each, pace_ms)
        self._upstream = upstream
        self._streams: dict[int, Stream] = {}
        self._begun = 0
        self._buffer = bytearray(_BUFFER)
        self._epoll = select.epoll()
        self._epoll.register(upstream.fileno(), select.EPOLLIN)

    def begin(self) -> None:
        """One stream more."""
        sampled = self._begun % SAMPLED == 0
        stream = Stream(self._port, self._data, self._each, self.heard, self._buffer, sampled=sampled)
        self._begun += 1
        self._streams[stream.fd] = stream
        self._epoll.register(stream.fd, select.EPOLLOUT)

    def turn(self) -> None:
        written = self._upstream.drip(_CHUNKS_A_TURN)
        epoll, streams = self._epoll, self._streams
        events = epoll.poll(0, _EVENTS_A_TURN)
        for fd, _ in events:
            if fd == self._upstream.fileno():
                self._upstream.listen()
            else:
                streams[fd].ready(epoll)
        if written + len(events) < _FEW:
            time.sleep(_NAP_S)

    def until(self, end_s: float) -> None:
        while time.monotonic() < end_s:
            self.turn()

    def close(self) -> None:
        for stream in self._streams.values():
            stream.close(self._epoll)
        self._epoll.close()


@contextmanager
def _load(target: Target, each: int, pace_ms: int, upstream: Upstream) -> Iterator[Load]:
    """Nothing of it makes cycles, and looking for them among thousands of streams would be measured."""
    load, collected = Load(target, each, pace_ms, upstream), gc.isenabled()
    gc.disable()
    try:
        yield load
    finally:
        load.close()
        if collected:
            gc.enable()


def _begun(load: Load, count: int, ramp_s: float) -> float:
    """Begin so many streams, evenly; seconds that it took. Raises BenchFailed where one fails or some never begin."""
    start, asked, heard = time.monotonic(), 0, load.heard
    while heard.begun < count:
        passed = time.monotonic() - start
        if heard.broken:
            raise BenchFailed(f"a stream failed: {heard.why}")
        if passed > ramp_s + _LATE_S:
            raise BenchFailed(f"{heard.begun:,} of {count:,} streams began in {ramp_s + _LATE_S:g} s")
        if asked < count and passed >= ramp_s * asked / count:
            load.begin()
            asked += 1
        load.turn()
    return time.monotonic() - start
