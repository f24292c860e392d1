"""What a book says that every request may need and no look-up brings: standings and switches, all of them in memory.

Both are rare and small here: of a standing only what it is and until when, without its history. While the book does not
answer, what was heard last holds, each until its own end.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from gateway.core.clock import Clock
from gateway.identity.standings import Standings
from gateway.stores.book.base import AccountBook, Entry, Kind, Ref, StoredStanding, StoredSwitch
from gateway.stores.book.plan import LISTED

PAGE: Final = 200
"""Rows asked for at once: a standing with its whole history may have 50 KiB."""


class Mirror:
    """Follows a book. One event loop owns it."""

    def __init__(self, book: AccountBook, clock: Clock, standings: Standings) -> None:
        self.standings = standings
        self.switches: dict[str, StoredSwitch] = {}
        """By policy, those that are over included."""
        self.tell: Callable[[], None] = lambda: None
        """Called when something may have changed or run out, a few times a second."""
        self._book = book
        self._clock = clock
        self._reading = asyncio.Lock()

    async def follow(self, refs: Iterable[Ref] | None) -> None:
        """Read again what changed; None: everything. Raises StoreUnavailable, and then it is not read."""
        wanted = None if refs is None else [ref for ref in refs if ref[0] in LISTED]
        if wanted == []:
            return
        async with self._reading:  # whoever reads later applies later
            if wanted is None:
                await self._read_all()
            else:
                for at in range(0, len(wanted), PAGE):
                    some = wanted[at : at + PAGE]
                    self._apply(some, await self._book.get(some))
        self.tick()

    def tick(self) -> None:
        """Forget standings that have run out, and tell."""
        self.standings.sweep(self._clock.now_ms())
        self.tell()

    async def _read_all(self) -> None:
        rows = [row for kind in LISTED for row in await self._all_of(kind)]
        self.standings.clear()
        self.switches.clear()
        self._apply([row.ref for row in rows], {row.ref: row for row in rows})

    async def _all_of(self, kind: Kind) -> list[Entry]:
        rows: list[Entry] = []
        while page := await self._book.rows(kind, rows[-1].ref[1] if rows else "", PAGE):
            # Only the newest ruling: the histories of many accounts are too much to hold at once.
            rows += [
                StoredStanding(row.account, row.ruling) if isinstance(row, StoredStanding) else row for row in page
            ]
        return rows

    def _apply(self, refs: Iterable[Ref], rows: Mapping[Ref, Entry]) -> None:
        for ref in refs:
            row = rows.get(ref)
            if isinstance(row, StoredStanding):
                self.standings.put(row.account, row.ruling)
            elif isinstance(row, StoredSwitch):
                self.switches[row.policy] = row
            elif ref[0] is Kind.STANDING:
                self.standings.drop(ref[1])
            else:
                self.switches.pop(ref[1], None)
