"""From a key's id to its record when the key is kept in a book: from memory, else by one look-up that all share.

How long a revoked key can live on:
- while the book answers, `POLL_S` and the time of a call. Every `POLL_S` seconds the book is asked what changed since
  the last time, and those records are dropped; this process's own changes are dropped at once.
- while it does not, `stale_s`: what is in memory is served for so long after the book was last heard, then refused.

A look-up that overlaps a change answers those who asked before it, and is neither kept nor joined: nothing old outlives
the moment at which the change was seen.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from gateway.core import reasons
from gateway.core.account import Principal
from gateway.core.clock import Clock
from gateway.core.refusal import Refusal
from gateway.identity.directory import KeyRecord
from gateway.identity.key_cache import KeyCache
from gateway.identity.keys import Pepper
from gateway.identity.mirror import Mirror
from gateway.identity.standings import Standings
from gateway.stores.base import StoreUnavailable
from gateway.stores.book.base import AccountBook, Changes, Found, Ref

log = logging.getLogger("gateway")

_Flight = asyncio.Task[KeyRecord | Refusal | None]

POLL_S: Final = 0.25
UNKNOWN_S: Final = 5.0
"""How long an id that is no key is remembered as such, unless something changes before."""
MOST_UNKNOWN: Final = 10_000
MOST_LOOKUPS: Final = 64
"""Look-ups under way at the same time. Requests with a key in memory do not need one."""


class KeyLookup:
    """The keys of a book as requests see them. One event loop owns it."""

    def __init__(
        self, book: AccountBook, clock: Clock, *, most_keys: int, stale_s: float, mirror: Mirror | None = None
    ) -> None:
        self.mirror = mirror or Mirror(book, clock, Standings())
        self._book = book
        self._clock = clock
        self._stale_s = stale_s
        self._cache = KeyCache(most_keys, MOST_UNKNOWN, UNKNOWN_S)
        self._shared: dict[str, _Flight] = {}
        """Look-ups that whoever asks for the same key may join: nothing was changed since they began."""
        self._flights: set[_Flight] = set()
        self._peppers: dict[str, bytes] = {}
        self._suspended_orgs: frozenset[str] = frozenset()
        self._applied = 0
        """The revision whose changes, and all before, the cache has seen."""
        self._written = 0
        """The revision of this process's own last change: the cache has seen that one too."""
        self._heard_at = clock.monotonic()
        self._deaf = False

    def __len__(self) -> int:
        return len(self._cache)

    @property
    def standings(self) -> Standings:
        """Of accounts in the book and in the file."""
        return self.mirror.standings

    def configure(self, peppers: Sequence[Pepper], suspended_orgs: frozenset[str]) -> None:
        """What the files say of keys in the book: peppers, and orgs that are suspended there."""
        values = {pepper.id: pepper.value for pepper in peppers}
        if (values, suspended_orgs) != (self._peppers, self._suspended_orgs):
            self._peppers, self._suspended_orgs = values, suspended_orgs
            self._cache.clear()  # what is in memory was made from the old ones

    def cached(self, key_id: str) -> KeyRecord | None:
        """The record if it is in memory and not too old; a record then needs no await."""
        cached = self._cache.get(key_id)
        if cached is None:
            return None
        heard_at = max(self._heard_at, cached.read_at)
        return cached.record if self._clock.monotonic() - heard_at <= self._stale_s else None

    async def find(self, key_id: str) -> KeyRecord | Refusal | None:
        """The record, None where there is no such key, or a refusal when nobody can tell just now."""
        if self._cache.is_unknown(key_id, self._clock.monotonic()):
            return None
        flight = self._shared.get(key_id)
        if flight is None:
            if len(self._flights) >= MOST_LOOKUPS:
                message = "too many keys are being looked up at the same time"
                return Refusal(reasons.OVERLOADED, message, retry_after_ms=1000)
            flight = self._shared[key_id] = asyncio.create_task(self._look_up(key_id))
            self._flights.add(flight)
            flight.add_done_callback(lambda done: self._landed(key_id, done))
        return await asyncio.shield(flight)  # one caller may leave, the others still want the answer

    def _landed(self, key_id: str, flight: _Flight) -> None:
        self._flights.discard(flight)
        if self._shared.get(key_id) is flight:
            del self._shared[key_id]

    async def _look_up(self, key_id: str) -> KeyRecord | Refusal | None:
        began = self._clock.monotonic()
        try:
            found = await self._book.find(key_id)
        except StoreUnavailable:
            message = "the gateway cannot look up keys right now"
            return Refusal(reasons.LIMITER_UNAVAILABLE, message, retry_after_ms=1000)
        record = self._record(found)
        if found.revision >= max(self._applied, self._written):
            if record is None:
                self._cache.put_unknown(key_id, began)
            else:
                self._cache.put(key_id, record, began)
        return record

    def _record(self, found: Found) -> KeyRecord | None:
        key, account = found.key, found.account
        if key is None or account is None:
            return None
        pepper = self._peppers.get(key.pepper)
        if pepper is None:
            log.warning("a key's pepper is not configured", extra={"fields": {"key": key.id, "pepper": key.pepper}})
            return None
        if found.org_suspended or account.org in self._suspended_orgs:
            account = replace(account, suspended=True)
        return KeyRecord(
            principal=Principal(account, key.id),
            digest=key.digest,
            pepper=pepper,
            expires_ms=key.expires_ms,
            revoked=key.revoked,
            label=key.label,
        )

    def changed(self, refs: Iterable[Ref], revision: int) -> None:
        """Forget rows that this process has just written: others hear of them by polling."""
        self._cache.changed(refs)
        self._shared.clear()
        self._written = max(self._written, revision)

    async def poll(self) -> None:
        """Ask the book what changed, and forget that. Logs when the book stops answering, and when it answers again."""
        began = self._clock.monotonic()
        self.mirror.tick()
        try:
            changes = await self._book.changes(self._applied)
            if changes.revision != self._applied:
                self._forget(changes)
                await self.mirror.follow(changes.refs)
        except StoreUnavailable as error:
            if not self._deaf:
                self._deaf = True
                fields = {"error": str(error), "known_keys_served_for_s": self._stale_s}
                log.warning("accounts cannot be read; keys in memory are served", extra={"fields": fields})
            return
        if self._deaf:
            self._deaf = False
            log.info("accounts can be read again")
        self._applied = changes.revision
        self._heard_at = began

    def _forget(self, changes: Changes) -> None:
        self._shared.clear()
        if changes.refs is None:
            self._cache.clear()
            self._written = 0  # the book may have lost it in a failover
        else:
            self._cache.changed(changes.refs)

    async def follow(self) -> None:
        """Poll until cancelled."""
        while True:
            try:
                await self.poll()
            except Exception:
                log.exception("accounts could not be followed")
            await asyncio.sleep(POLL_S)

    async def close(self) -> None:
        """End what is under way; its callers have left."""
        flights = list(self._flights)
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
