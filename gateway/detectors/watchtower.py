"""The detectors at work: a bounded queue in front, bounded sketches behind, a report that keeps no content."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from itertools import repeat
from operator import call
from time import perf_counter
from typing import Final

from gateway.detectors import SIGNALS
from gateway.detectors.facts import Facts
from gateway.detectors.key_spread import KeySpread
from gateway.detectors.newest import Newest
from gateway.detectors.report import Report
from gateway.detectors.said import Readings
from gateway.detectors.sketch import Sketch

QUEUE_LIMIT: Final = 2048
"""Requests that wait. Each holds two excerpts: 4 KiB of Latin text, 16 KiB at the worst, 32 MiB for a full queue."""
BATCH_S: Final = 0.0005
"""A batch ends with the request that passes this; a request takes tens of microseconds."""
QUIET_MS: Final = 60_000
"""A part that fails says so once in this time."""

log = logging.getLogger("gateway.detectors")


class Watchtower:
    """Looks at answered requests off their path. One per process, used on the event loop's thread.

    `max_accounts` bounds the sketches of accounts, and apart from them those of keys; the least recently used makes
    room. An account that comes back after that starts anew: its prompts are new, its wrapper is not known.
    """

    def __init__(self, report: Report, now_ms: Callable[[], int], max_accounts: int) -> None:
        self._report = report
        self._now_ms = now_ms
        self._accounts = Newest(Sketch, max_accounts)
        self._keys = Newest(KeySpread, max_accounts)
        self._readings = Readings()
        self._names = tuple(name for name, _ in SIGNALS)
        self._questions = tuple(present for _, present in SIGNALS)
        self._queue: deque[Facts] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        """The one on which the queue is worked off, from `start` to `drain`."""
        self._called = False
        self._complained: dict[str, int] = {}
        self.dropped = 0
        """Requests that were not looked at, because the queue was full."""

    @property
    def accounts(self) -> int:
        """Accounts with a sketch."""
        return len(self._accounts)

    def see(self, facts: Facts) -> None:
        """Queue a request. Never blocks or raises; with a full queue it is dropped and counted."""
        if len(self._queue) >= QUEUE_LIMIT:
            self.dropped += 1
        else:
            self._queue.append(facts)
            if not self._called:
                self._call()

    def start(self) -> None:
        """From now on the running loop works off the queue, and others have their turn between two batches."""
        self._loop, self._called = asyncio.get_running_loop(), False

    def drain(self) -> None:
        """Work off the queue now, and from now on only when this is called again."""
        self._loop = None
        while self._queue:
            self._look(self._queue.popleft(), perf_counter())

    def _call(self) -> None:
        if self._loop is not None:
            self._called = True
            self._loop.call_soon(self._batch)

    def _batch(self) -> None:
        """At least one request, and no further one once the time is up."""
        self._called = False
        now = perf_counter()
        until = now + BATCH_S
        while self._queue:
            now = self._look(self._queue.popleft(), now)
            if now >= until:
                break
        if self._queue:
            self._call()

    def _look(self, facts: Facts, began: float) -> float:
        """Each part on its own: one that fails loses its own finding and no other. When it was done (perf_counter)."""
        try:
            facts.said = self._readings.of(facts)
        except Exception as fault:  # noqa: BLE001 - whatever a text does to us, the next request is looked at
            self._complain("excerpt", fault)
            return perf_counter()
        sketch = self._accounts.of(facts.account)
        try:
            # One call for all of them. They change nothing, so that where one fails all can be asked again.
            present = tuple(map(call, self._questions, repeat(facts), repeat(sketch)))
        except Exception:  # noqa: BLE001 - which one it was is found out there
            present = self._one_by_one(facts, sketch)
        try:
            sketch.add(facts)
        except Exception as fault:  # noqa: BLE001 - the other parts have their turn, here and below
            self._complain("sketch", fault)
        ratio: float | None = None
        try:
            if facts.input_tokens > 0:
                ratio = facts.output_tokens / facts.input_tokens  # no float holds what an upstream may claim
        except Exception as fault:  # noqa: BLE001
            self._complain("ratio", fault)
        spread = None
        try:
            if facts.key_id:
                spread = self._keys.of(facts.key_id).add(facts, self._now_ms())
        except Exception as fault:  # noqa: BLE001
            self._complain("key_spread", fault)
        done = perf_counter()
        try:
            self._report.looked(facts.tier, self._names, present, ratio=ratio, spread=spread, seconds=done - began)
        except Exception as fault:  # noqa: BLE001
            self._complain("report", fault)
        return done

    def _one_by_one(self, facts: Facts, sketch: Sketch) -> tuple[bool | None, ...]:
        """What each signal says; one that fails says nothing."""
        answers: list[bool | None] = []
        for name, present in zip(self._names, self._questions, strict=True):
            try:
                answers.append(present(facts, sketch))
            except Exception as fault:  # noqa: BLE001 - whatever it was, the others have their turn
                answers.append(None)
                self._complain(name, fault)
        return tuple(answers)

    def _complain(self, part: str, fault: Exception) -> None:
        """The kind of fault only: its message may hold a caller's text."""
        now = self._now_ms()
        last = self._complained.get(part)
        if last is None or abs(now - last) >= QUIET_MS:
            self._complained[part] = now
            log.error("a detector failed", extra={"fields": {"detector": part, "error": type(fault).__name__}})
