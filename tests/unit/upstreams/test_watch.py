"""The body's one timer, on a loop whose clock the test moves."""

import heapq

from gateway.upstreams.base import UpstreamFailed
from gateway.upstreams.watch import Watch


class Loop:
    def __init__(self):
        self.now = 100.0
        self.timers = []

    def time(self):
        return self.now

    def call_at(self, when, callback):
        timer = Timer(when, callback)
        heapq.heappush(self.timers, timer)
        return timer

    def advance(self, seconds):
        end = self.now + seconds
        while self.timers and self.timers[0].when <= end:
            timer = heapq.heappop(self.timers)
            self.now = max(self.now, timer.when)
            if not timer.cancelled:
                timer.callback()
        self.now = end


class Timer:
    def __init__(self, when, callback):
        self.when = when
        self.callback = callback
        self.cancelled = False

    def __lt__(self, other):
        return self.when < other.when

    def cancel(self):
        self.cancelled = True


class Content:
    def __init__(self):
        self.failures = []

    def set_exception(self, error):
        self.failures.append(error)


def watched(between=10.0, total=100.0):
    loop, content = Loop(), Content()
    return loop, content.failures, Watch(loop, content, between, loop.time() + total)


def test_a_pause_while_somebody_waits_fails_the_reader():
    loop, failures, watch = watched()
    watch.waiting()
    loop.advance(9.99)
    assert failures == []
    loop.advance(0.02)
    (failed,) = failures
    assert isinstance(failed, UpstreamFailed)
    assert (failed.phase, failed.timeout) == ("body", True)


def test_every_chunk_starts_the_pause_anew():
    loop, failures, watch = watched()
    for _ in range(9):
        watch.waiting()
        loop.advance(9.0)
        watch.arrived()
    assert failures == []
    watch.waiting()
    loop.advance(10.5)
    assert len(failures) == 1


def test_a_slow_reader_is_not_the_upstreams_pause():
    loop, failures, watch = watched()
    watch.waiting()
    watch.arrived()
    loop.advance(50.0)
    watch.waiting()
    loop.advance(9.0)
    assert failures == []
    loop.advance(2.0)
    assert len(failures) == 1


def test_the_total_counts_whoever_is_slow():
    loop, failures, _watch = watched(total=25.0)
    loop.advance(24.9)
    assert failures == []
    loop.advance(0.2)
    assert "total" in str(failures[0])


def test_after_stop_nothing_fires_and_one_timer_is_all_there_is():
    loop, failures, watch = watched()
    for _ in range(1000):
        watch.waiting()
        watch.arrived()
    assert len(loop.timers) == 1
    watch.stop()
    watch.stop()
    loop.advance(1000.0)
    assert failures == []
