"""Accounts and keys outside accounts.yaml, wired: the book, the look-ups of requests, what operators change.

With them what people say of accounts and policies beside the files: standings and kill switches, from the same book.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from gateway.config import Settings
from gateway.core.account import BLOCKED, CLEAR
from gateway.core.clock import Clock
from gateway.core.ports import Events
from gateway.identity.directory import Directory
from gateway.identity.key_register import KeyRegister
from gateway.identity.keys import Pepper
from gateway.identity.lookup import KeyLookup
from gateway.identity.mirror import Mirror
from gateway.identity.register import Register
from gateway.identity.rulings import Rulings
from gateway.identity.standings import Standings
from gateway.observe.metrics import Metrics
from gateway.policy.compile import PolicySet
from gateway.policy.switches import Switch, running
from gateway.stores.base import StoreUnavailable
from gateway.stores.book.base import MAX_BATCH, AccountBook, Counts, Kind, Ref
from gateway.stores.book.open import open_book
from gateway.switching import Switching
from gateway.usage_store import redis_dial

log = logging.getLogger("gateway")

COUNT_S: Final = 5.0
"""How often accounts are counted for the metrics."""
_MOST_COMPARED: Final = 20 * MAX_BATCH
_SHOWN: Final = 5


def accounts_of(settings: Settings, clock: Clock, directory: Callable[[], Directory]) -> "Accounts":
    """Those of the store that the settings name. Raises SecretMissing for a certificate of no use."""
    book = open_book(settings.store, redis_dial(settings))
    own = settings.accounts
    return Accounts(book, clock, directory, most_keys=own.cached_keys, stale_s=own.stale_s, appeal=own.appeal or "")


class Accounts:
    """What a gateway process has of the book. `start` before requests, `close` after the last."""

    def __init__(
        self,
        book: AccountBook,
        clock: Clock,
        directory: Callable[[], Directory],
        *,
        most_keys: int,
        stale_s: float,
        appeal: str = "",
    ) -> None:
        """`directory` is the file's, as it is at each moment: it wins over the book. `appeal`: whom to write to."""
        self.book = book
        self.appeal = appeal
        self.switches: tuple[Switch, ...] = ()
        """The policies that people have switched off, as of the last poll; those that are over left out."""
        self._on_switches: Callable[[tuple[Switch, ...]], None] = lambda _: None
        self._on_count: Callable[[], None] = lambda: None
        self._directory = directory
        self._clock = clock
        self._peppers: tuple[Pepper, ...] = ()
        self._counts = Counts(0, 0)
        self.standings = Standings(appeal)
        self._mirror = Mirror(book, clock, self.standings)
        self._mirror.tell = self._look_at_switches
        self.lookup = KeyLookup(book, clock, most_keys=most_keys, stale_s=stale_s, mirror=self._mirror)
        self.register = Register(book, self.lookup, clock, directory)
        self.keys = KeyRegister(self.register, clock, lambda: self._peppers)
        self.rulings = Rulings(self.register, self.standings, clock)
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    @property
    def peppers(self) -> tuple[Pepper, ...]:
        """Those of the settings; the first one makes new hashes."""
        return self._peppers

    def configure(self, peppers: Sequence[Pepper]) -> None:
        """Peppers and the file's suspended orgs, after they were read."""
        self._peppers = tuple(peppers)
        self.lookup.configure(self._peppers, self._directory().suspended_orgs)

    def report_to(self, policies: Callable[[], PolicySet], metrics: Metrics, events: Events) -> None:
        """Who hears of switches and of how many accounts there are. `policies` are those in force at each moment."""
        self._on_switches = Switching(policies, metrics, events, self._clock).apply
        self._on_count = lambda: metrics.standings(self.by_standing())

    async def start(self) -> None:
        """Open the book and begin to follow its changes. Raises StoreUnavailable."""
        await self.book.open()
        await self.lookup.poll()
        await self.count()
        self._tasks = (asyncio.create_task(self.lookup.follow()), asyncio.create_task(self._keep_count()))

    def _look_at_switches(self) -> None:
        now = running(self._mirror.switches.values(), self._clock.now_ms())
        if now != self.switches:
            self._on_switches(now)
            self.switches = now

    async def count(self) -> None:
        """Ask the book how many accounts it has; the last answer stays while it does not say."""
        try:
            self._counts = await self.book.count()
        except StoreUnavailable:
            return
        self._on_count()

    async def _keep_count(self) -> None:
        while True:
            await asyncio.sleep(COUNT_S)
            try:
                await self.count()
            except Exception:
                log.exception("accounts could not be counted")

    def by_standing(self) -> Counter[str]:
        """Accounts of the file and of the book by standing; suspended ones are blocked.

        Of the book as of the last count: without those that only their org suspends, an account that is suspended and
        has a standing twice, and one that is in the file too once more.
        """
        in_file, now_ms = self._directory().accounts, self._clock.now_ms()
        counted = Counter(
            BLOCKED if account.suspended else self.standings.standing(name, now_ms) for name, account in in_file.items()
        )
        stored = self.standings.counts(but_not=in_file)
        stored[BLOCKED] += self._counts.suspended
        stored[CLEAR] = max(0, self._counts.accounts - stored.total())
        return counted + stored

    async def in_both(self) -> list[str]:
        """A sentence for an operator if ids stand in the file and in the book; nothing while the book is away."""
        directory = self._directory()
        refs: list[Ref] = [(Kind.ACCOUNT, name) for name in directory.accounts]
        refs += [(Kind.KEY, key_id) for key_id in directory.keys]
        found: list[str] = []
        try:
            for at in range(0, min(len(refs), _MOST_COMPARED), MAX_BATCH):
                found += [f"{kind} {name}" for kind, name in await self.book.get(refs[at : at + MAX_BATCH])]
        except StoreUnavailable:
            return []
        if not found:
            return []
        names = ", ".join(found[:_SHOWN]) + (" …" if len(found) > _SHOWN else "")
        return [f"{len(found)} id(s) are in accounts.yaml and in the store; the file is used: {names}"]

    async def close(self) -> None:
        """After the last request."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.lookup.close()
        await self.book.close()
