"""Writes down what was issued, when nobody waits for it any more: fingerprints, who was marked, whether marks show.

Answers come as the bytes that went out, and wait in a queue that is bounded in bytes. They are read on the event loop's
thread in pieces of half a millisecond, so that no request is held up; what touches the disk has a thread of its own.
Nothing here may cost an answer: what cannot be written is counted.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from sys import getsizeof
from time import perf_counter
from typing import Final, NamedTuple

from gateway.answer_text import prompt_of, text_of
from gateway.dialects.base import Dialect
from gateway.exchange import Exchange, Holding
from gateway.mark_notes import MarkNotes
from gateway.observe.metrics import Metrics
from gateway.registry.keeper import Entry, Keeper
from gateway.registry.records import Document
from gateway.registry.shelf import RegistryUnavailable
from gateway.registry.sketch import Hasher, sketching
from gateway.watermarks.account_log import AccountLog
from gateway.watermarks.epochs import Epoch, epoch_at
from gateway.watermarks.issued import Marking
from gateway.watermarks.showing import showing

PIECE_S: Final = 0.0005
"""How long the loop's thread is taken at a time."""
BATCH: Final = 64
"""Answers that are written at once."""
MOST_LOOKED: Final = 1 << 13
"""Characters of an answer that are read for its mark: 3 ms in one piece, 5 for other scripts."""
SAMPLE: Final = 16
"""One of so many marked answers is looked at: whether a mark shows is a matter of thousands of answers."""
QUIET_S: Final = 60.0
CLOSE_S: Final = 10.0
"""How long the end of the process may wait for what is queued; a disk that hangs may take as long once more."""

_NO_NOTE: Final = "the account log cannot be written"

log = logging.getLogger("gateway")


@dataclass(slots=True)
class Issued:
    """One answer that went out."""

    document: Document
    dialect: Dialect
    route: str
    stream: bool
    data: list[bytes] = field(repr=False)
    prompt: str = field(repr=False)
    keep: bool
    marking: Marking | None
    holding: Holding


class Files(NamedTuple):
    """Where it writes."""

    keeper: Keeper
    accounts: AccountLog


class Scribe:
    """One per process. `run` works until it is cancelled; `close` writes what still waits."""

    def __init__(self, metrics: Metrics, files: Files, epochs: Sequence[Epoch], most_bytes: int) -> None:
        self._metrics = metrics
        self._keeper = files.keeper
        self._notes = MarkNotes(files.accounts)
        self._epochs = epochs
        self._room = [most_bytes]
        self._queue: deque[Issued] = deque()
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._ending = False
        self._complained = -QUIET_S

    def begin(self, x: Exchange) -> None:
        """Say whether the answer's bytes are to be kept until `take`."""
        marking = x.marking
        marks = marking is not None and marking.marker is not None and marking.mode == "enforce"
        if _keeps(x) or (marks and _sampled(x.id)):
            x.captures, x.holding = True, Holding(self._room)

    def glance(self, x: Exchange) -> None:
        """Keep the prompt, while it is there: its own phrases are no fingerprints of the answer."""
        if not x.captures or x.prompt_text or x.dialect is None or x.ask is None or not x.ask.body or not _keeps(x):
            return
        text = prompt_of(x.dialect, x.ask.body)
        if x.holding is not None and x.holding.take(getsizeof(text)):  # up to four bytes for each character
            x.prompt_text = text

    def take(self, x: Exchange) -> None:
        """A finished exchange: note whose mark it carries, and queue its answer. Never waits."""
        marking = x.marking
        if marking is not None and marking.result == "marked" and x.principal is not None:
            self._notes.add(x.principal.account.id, marking)
        if self._notes:
            self._wake.set()
        holding, x.holding = x.holding, None
        if holding is not None and not self._queue_up(x, holding):
            holding.release()

    def _queue_up(self, x: Exchange, holding: Holding) -> bool:
        stream = x.meter is not None
        data, x.captured = x.captured if stream else [x.answer], []
        if x.status != 200 or x.principal is None or x.model is None or x.dialect is None:
            return False
        marking = x.marking
        shown = marking if marking is not None and marking.result == "marked" and _sampled(x.id) else None
        if shown is None and not _keeps(x):
            return False
        if not any(data) or not (stream or holding.take(len(x.answer))):
            if _keeps(x) and (x.answer or x.captured_cut):
                self._metrics.fingerprinted("dropped")
            return False
        document = Document(x.id, x.principal.account.id, x.model.family, x.model.id, x.started_ms, 0)
        self._queue.append(Issued(document, x.dialect, x.route, stream, data, x.prompt_text, _keeps(x), shown, holding))
        self._wake.set()
        return True

    async def run(self) -> None:
        """Work off the queue until `close`. Not to be cancelled before: what it holds in its hands would be lost."""
        while not self._ending:
            self._wake.clear()
            async with self._turn:
                while (self._queue or self._notes) and not self._ending:
                    await self._guarded_round()
            if not self._ending:
                await self._wake.wait()

    async def retire(self, now_ms: int) -> None:
        """Let go of the files of epochs that are over, so that their fingerprints can be shredded."""
        async with self._turn:
            try:
                await asyncio.to_thread(self._keeper.let_go, now_ms)
            except RegistryUnavailable as error:
                self._complain("the registry could not be closed", str(error))

    async def close(self, most_s: float = CLOSE_S) -> None:
        """Write what waits, for at most `most_s` and as long again where the disk hangs, and let go of the files."""
        self._ending = True
        self._wake.set()
        try:
            async with asyncio.timeout(2 * most_s):
                await self._finish(perf_counter() + most_s)
        except TimeoutError:
            log.error("the disk of the fingerprints hangs")  # noqa: TRY400 - the trace would only show a wait
        if self._queue:
            log.error("answers were not fingerprinted before the end", extra={"fields": {"answers": len(self._queue)}})

    async def _finish(self, until: float) -> None:
        async with self._turn:
            while (self._queue or self._notes) and perf_counter() < until:
                await self._guarded_round()
            await asyncio.to_thread(self._end)

    def _end(self) -> None:
        try:
            self._keeper.close()
        except RegistryUnavailable as error:
            log.error("the registry could not be closed", extra={"fields": {"error": str(error)}})  # noqa: TRY400
        self._notes.close()

    async def _guarded_round(self) -> None:
        """A fault takes the answers of its round with it, never those to come: without us the queue would fill up."""
        try:
            await self._round()
        except Exception:
            log.exception("fault while writing down answers")

    async def _round(self) -> None:
        """The accounts first: nobody can be named whose mark was not noted."""
        if self._notes:
            for _ in range(await asyncio.to_thread(self._notes.write, partial(self._complain, _NO_NOTE))):
                self._metrics.fingerprinted("failed")
        entries: dict[Epoch, list[Entry]] = {}
        hashers: dict[Epoch, Hasher] = {}
        for _ in range(min(BATCH, len(self._queue))):
            issued = self._queue.popleft()
            epoch = epoch_at(self._epochs, issued.document.issued_ms)
            try:
                entry = await self._read(issued, epoch, hashers)
            except Exception as fault:  # noqa: BLE001 - whatever an answer does to us, the next one has its turn
                self._failed(type(fault).__name__, 1 if issued.keep else 0)
                continue
            finally:
                issued.holding.release()
            if entry is not None and epoch is not None:
                entries.setdefault(epoch, []).append(entry)
        for epoch, several in entries.items():
            await self._write(epoch, several)

    async def _read(self, issued: Issued, epoch: Epoch | None, hashers: dict[Epoch, Hasher]) -> Entry | None:
        hasher: Hasher | None = None
        if issued.keep and epoch is not None:
            hasher = hashers.get(epoch)
            if hasher is None:
                hasher = hashers[epoch] = await asyncio.to_thread(self._keeper.hasher, epoch.id, epoch.until_ms)
        elif issued.keep:
            self._metrics.fingerprinted("dropped")
        work = self._reading(issued, hasher)
        until = perf_counter() + PIECE_S
        while True:
            try:
                next(work)
            except StopIteration as done:
                entry: Entry | None = done.value
                return entry
            if perf_counter() >= until:
                await asyncio.sleep(0)
                until = perf_counter() + PIECE_S

    def _reading(self, issued: Issued, hasher: Hasher | None) -> Generator[None, None, Entry | None]:
        text = yield from text_of(issued.dialect, issued.data, stream=issued.stream)
        if issued.marking is not None:
            agree, disagree = showing(text[:MOST_LOOKED], issued.marking, issued.document.account)
            self._metrics.pairs(issued.route, agree, disagree)
            yield
        if hasher is None:
            return None
        sketch = yield from sketching(text, hasher, issued.prompt)
        return replace(issued.document, words=sketch.words), sketch

    async def _write(self, epoch: Epoch, entries: list[Entry]) -> None:
        try:
            await asyncio.to_thread(self._keeper.append, epoch.id, epoch.until_ms, entries)
        except RegistryUnavailable as error:
            self._failed(str(error), len(entries))
            return
        for _ in entries:
            self._metrics.fingerprinted("kept")

    def _failed(self, why: str, answers: int) -> None:
        for _ in range(answers):
            self._metrics.fingerprinted("failed")
        self._complain("answers could not be fingerprinted", why)

    def _complain(self, what: str, why: str) -> None:
        """Once in a while: a full disk would fill the log too. `why` never holds a word of an answer."""
        now = perf_counter()
        if now - self._complained >= QUIET_S:
            self._complained = now
            log.error(what, extra={"fields": {"error": why}})


def _keeps(x: Exchange) -> bool:
    return x.plan is not None and x.plan.watermark is not None and x.plan.watermark.registry


def _sampled(request_id: str) -> bool:
    return sum(request_id.encode()) % SAMPLE == 0
