"""All that lets an answer be known again, built from the settings: marks, fingerprints, receipts. Off without them."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.catalogue import Catalogue
from gateway.config import SecretMissing
from gateway.config.watermark import WatermarkEntry
from gateway.core.clock import Clock
from gateway.mark_files import load_mark_files
from gateway.marks import Marks
from gateway.observe.metrics import Metrics
from gateway.probing import Prober
from gateway.receipts.receipts import Receipts
from gateway.receipts.signers import Period, signers_of
from gateway.receipts.sqlite import SqliteReceipts
from gateway.registry.keeper import Keeper
from gateway.registry.retire import retire
from gateway.registry.shelf import RegistryUnavailable
from gateway.scribe import Files, Scribe
from gateway.upstreams.bridge import Bridge
from gateway.watermarks.account_log import AccountLog, BadLog
from gateway.watermarks.book import MarkBook
from gateway.watermarks.keys import KeyPath, Master, Purpose

REGISTRY: Final = "registry"
RECEIPTS: Final = "receipts"
SCRIBE: Final = "scribe"
RETIRE_S: Final = 3600.0
"""How often what is over its retention is looked for."""

log = logging.getLogger("gateway")


@dataclass(slots=True)
class Provenance:
    """The rooms, and the tasks that work in them."""

    marks: Marks
    settings: WatermarkEntry | None = None
    prober: Prober | None = None
    scribe: Scribe | None = None
    receipts: Receipts | None = None
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def start(self, bridge: Callable[[], Bridge], catalogue: Callable[[], Catalogue], clock: Clock) -> None:
        """Raises StoreUnavailable where receipts cannot be kept."""
        if self.settings is None or self.prober is None or self.scribe is None or self.receipts is None:
            return
        await self.receipts.open()
        await self.prober.refresh()
        works = {
            "self-test": self.prober.run(bridge, catalogue, self.settings.probe_s),
            SCRIBE: self.scribe.run(),
            "retention": _retire(self.settings, clock, self.scribe),
        }
        self._tasks = {name: asyncio.create_task(_guarded(name, work)) for name, work in works.items()}

    async def close(self) -> None:
        """After the last exchange: what waits is written. The self-test ends first: upstreams are let go of."""
        try:
            await self._end(*(self._tasks.keys() - {SCRIBE}))
            if self.scribe is not None:
                await self.scribe.close()
        finally:
            await self._end(*self._tasks)
            if self.receipts is not None:
                await self.receipts.close()

    async def _end(self, *names: str) -> None:
        tasks = [self._tasks.pop(name) for name in names]
        await asyncio.sleep(0)  # a task that is cancelled before its first turn would leave its work unawaited
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def provenance_of(settings: WatermarkEntry | None, metrics: Metrics, clock: Clock) -> Provenance:
    """Read the secret and the tables, and take hold of the account log. Raises YamlProblems, SecretMissing."""
    if settings is None:
        return Provenance(Marks())
    files = load_mark_files(settings)
    master, epochs = files.master, files.epochs
    try:
        accounts = AccountLog(settings.directory, settings.instance_name, clock.now_ms)
        kept = _receipts_file(settings)
    except BadLog as error:
        raise SecretMissing(f"watermark: {error}") from None
    except OSError as error:
        raise SecretMissing(f"watermark: {error.filename}: {error.strerror}") from None
    book = MarkBook(master, settings.directory, epochs, files.tables, settings.lists, settings.provider_quarters)
    marks = Marks(book, settings.rolls)
    keeper = Keeper(
        settings.directory / REGISTRY, settings.instance_name, lambda epoch: _root(master, "registry", epoch)
    )
    periods = [Period(epoch.id, epoch.from_ms, epoch.until_ms, _root(master, "receipt", epoch.id)) for epoch in epochs]
    return Provenance(
        marks,
        settings,
        Prober(marks, book, metrics, clock),
        Scribe(metrics, Files(keeper, accounts), epochs, settings.queue_bytes),
        Receipts(signers_of(periods), SqliteReceipts(kept, clock, retention_s=settings.retention), clock),
    )


def _root(master: Master, purpose: Purpose, epoch: str) -> bytes:
    return master.root(KeyPath(purpose, 1, "", epoch, "provider"))


def _receipts_file(settings: WatermarkEntry) -> Path:
    folder = settings.directory / RECEIPTS
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"{settings.instance_name}.sqlite"


async def _retire(settings: WatermarkEntry, clock: Clock, scribe: Scribe) -> None:
    """Shred fingerprints that are over their retention, for good: their salts go."""
    while True:
        registry = settings.directory / REGISTRY
        gone: list[str] = []
        troubles: list[str] = []
        await scribe.retire(clock.now_ms())
        if registry.is_dir():  # nothing was kept yet
            try:
                gone, troubles = await asyncio.to_thread(retire, registry, clock.now_ms(), settings.retention * 1000)
            except (RegistryUnavailable, OSError) as error:
                troubles = [str(error)]
        for name in gone:
            log.info("fingerprints are over their retention and were shredded", extra={"fields": {"epoch": name}})
        for trouble in troubles:
            log.error("fingerprints could not be shredded", extra={"fields": {"why": trouble}})
        await asyncio.sleep(RETIRE_S)


async def _guarded(name: str, work: Coroutine[None, None, None]) -> None:
    """Answers go on whatever fails here; the log says what no longer happens."""
    try:
        await work
    except Exception:
        log.exception("a part of the watermarks failed", extra={"fields": {"part": name}})
