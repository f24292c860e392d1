"""Where decision records go. A sink never blocks and never raises: what it cannot take is counted as dropped."""

import contextlib
import logging
import os
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from heapq import merge
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Final, Protocol

from gateway.observe.records import DecisionRecord, KeptRecord

QUEUE_LIMIT: Final = 8192
RING_LIMIT: Final = 4096
_LINGER_S: Final = 0.02
"""How long the writer lets lines gather: waking a thread for each would cost the event loop more than the record.

The first line after a pause is written at once. A process that is killed loses at most the lines of so many seconds,
and what a slow disk or reader left in the queue."""
_BATCH: Final = 64
"""Lines to a write."""
_NEWLINE: Final = ord("\n")
_LOG: Final = logging.getLogger("gateway")


class Sink(Protocol):
    """Takes records on the event loop's thread."""

    @property
    def dropped(self) -> int:
        """Records lost so far."""
        ...

    def emit(self, record: KeptRecord) -> None: ...

    def reopen(self) -> None:
        """Let go of files, so that a log that was rotated goes on in a new one."""
        ...

    def close(self) -> None:
        """Write what is queued and let go; waits a bounded time."""
        ...


class RingSink:
    """The last records in memory, for `explain` by id.

    Strangers have a place of their own: a flood without keys must not push out the records of accounts.
    """

    dropped = 0

    def __init__(self, limit: int = RING_LIMIT) -> None:
        self._limit = limit
        self._accounts: OrderedDict[str, KeptRecord] = OrderedDict()
        self._strangers: OrderedDict[str, KeptRecord] = OrderedDict()

    def emit(self, record: KeptRecord) -> None:
        records = self._accounts if record.account else self._strangers
        records[record.id] = record
        if len(records) > self._limit:
            records.popitem(last=False)

    def find(self, record_id: str) -> DecisionRecord | None:
        kept = self._accounts.get(record_id) or self._strangers.get(record_id)
        return None if kept is None else kept.record()

    def newest(self, count: int, account: str = "") -> list[DecisionRecord]:
        """At most `count` records, newest first; of one account where one is named."""
        both = merge(
            reversed(self._accounts.values()),
            reversed(self._strangers.values()),
            key=lambda kept: kept.time,
            reverse=True,
        )
        wanted = (kept for kept in both if not account or kept.account == account)
        return [kept.record() for kept in islice(wanted, count)]

    def reopen(self) -> None:
        """There is no file."""

    def close(self) -> None:
        self._accounts.clear()
        self._strangers.clear()


class TeeSink:
    """Hands every record to several sinks."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = tuple(sinks)

    @property
    def dropped(self) -> int:
        return sum(sink.dropped for sink in self._sinks)

    def emit(self, record: KeptRecord) -> None:
        for sink in self._sinks:
            sink.emit(record)

    def reopen(self) -> None:
        for sink in self._sinks:
            sink.reopen()

    def close(self) -> None:
        for sink in self._sinks:
            sink.close()


class WriterSink(ABC):
    """Appends JSON lines to a descriptor from a thread of its own, through a bounded queue.

    A slow or full disk, or a pipe nobody reads, fills the queue: from there on records are dropped and counted, and
    requests go on.
    """

    def __init__(self, name: str, queue_limit: int = QUEUE_LIMIT) -> None:
        self._queue: SimpleQueue[bytes | str] = SimpleQueue()
        self._limit = queue_limit
        self._refused = 0
        self._lost = 0
        self._held = 0
        self._torn = False
        self._failing = False
        self._fd: int | None = None
        self._closed = False
        self._hurry = threading.Event()
        # A daemon, so that a reader that hangs for ever cannot keep the process from ending.
        self._writer = threading.Thread(target=self._run, name=f"sink-{name}", daemon=True)

    @property
    def dropped(self) -> int:
        return self._refused + self._lost

    def emit(self, record: KeptRecord) -> None:
        if self._closed or self._queue.qsize() >= self._limit:
            self._refused += 1
        else:
            self._queue.put(record.line)

    def reopen(self) -> None:
        """Let go of the file after writing what came before: a rotated log goes on in a new one."""
        self._queue.put("reopen")

    def close(self, timeout_s: float = 5.0) -> None:
        if not self._closed:
            self._closed = True
            self._queue.put("close")
            self._hurry.set()
            self._writer.join(timeout_s)
            if self._writer.is_alive():
                self._refused += self._queue.qsize() + self._held

    @abstractmethod
    def _open(self) -> int:
        """A descriptor to append to."""

    def _run(self) -> None:
        order: bytes | str = ""
        while order != "close":
            order = self._queue.get()
            lines: list[bytes] = []
            while isinstance(order, bytes):
                lines.append(order)
                order = "" if len(lines) == _BATCH or self._queue.empty() else self._queue.get()
            if lines:
                self._held = len(lines)
                lines.append(b"")
                self._write(b"\n".join(lines))
                self._held = 0
            if order:
                self._let_go()
            elif self._queue.empty():
                self._hurry.wait(_LINGER_S)

    def _write(self, lines: bytes) -> None:
        # After a disk ran full in mid-line, the next line starts on its own.
        begin = 1 if self._torn else 0
        data = memoryview(b"\n" + lines if self._torn else lines)
        done = 0
        try:
            while done < len(data):
                if self._fd is None:
                    self._fd = self._open()
                done += os.write(self._fd, data[done:])
                self._torn = data[done - 1] != _NEWLINE
            self._tell(None)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the disk, the next lines get their chance
            self._lost += bytes(data[max(done, begin) :]).count(b"\n")
            self._let_go()
            self._tell(error)

    def _tell(self, error: Exception | None) -> None:
        """A line when records begin to be lost, with what no counter says: why; and one when they are written again."""
        if error is not None and not self._failing:
            _LOG.error("decision records are being lost", extra={"fields": {"error": str(error)}})
        elif error is None and self._failing:
            _LOG.info("decision records are written again")
        self._failing = error is not None

    def _let_go(self) -> None:
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.close(self._fd)
            self._fd = None


class FileSink(WriterSink):
    """A file of JSON lines. Opened by the first record, readable by its owner only, always appended to."""

    def __init__(self, path: Path, queue_limit: int = QUEUE_LIMIT) -> None:
        super().__init__("file", queue_limit)
        self._path = path
        self._writer.start()

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


class StdoutSink(WriterSink):
    """Standard output, or another descriptor; the sink works on a copy of it."""

    def __init__(self, fd: int = 1, queue_limit: int = QUEUE_LIMIT) -> None:
        super().__init__("stdout", queue_limit)
        self._source = fd
        self._writer.start()

    def _open(self) -> int:
        return os.dup(self._source)
