"""A store of each kind beside a model of its own: the same calls to both, the same answers from both."""

import shutil
import sqlite3

from gateway.core.redis_target import parse
from gateway.stores.base import StoreUnavailable
from gateway.stores.memory import MemoryStore
from gateway.stores.redis.outbox import Parcel
from gateway.stores.redis.store import RedisStore
from gateway.stores.redis.undelivered import Settlement
from gateway.stores.sqlite import SqliteStore
from tests.support.redis_server import PATIENT
from tests.support.reference_ledger import RefLedger
from tests.support.reference_words import Answer, answered

NEVER_S = 1e9


class Side:
    """Calls go to the store and to the model; `same` compares what they said, exceptions by their kind."""

    def __init__(self, store, clock):
        self.store = store
        self.clock = clock
        self.model = RefLedger()

    @property
    def now(self):
        return self.clock.now_ms()

    async def reserve(self, name, specs, amounts, on_expiry, ttl):
        expected = outcome(lambda: self.model.reserve(name, specs, amounts, on_expiry, ttl, self.now))
        return same(await said(self.store.reserve(name, specs, amounts, on_expiry, ttl)), expected)

    async def top_up(self, name, amounts):
        expected = outcome(lambda: self.model.top_up(name, amounts, self.now))
        return same(await said(self.store.top_up(name, amounts)), expected)

    async def settle(self, name, actual):
        """Whether it changed anything, as the model has it."""
        self.store.settle(name, actual)
        return self.model.settle(name, actual, self.now)

    async def settle_again(self, name, actual):
        """What the store must not mind: the same end, told twice."""
        self.store.settle(name, actual)

    async def renew(self, names, ttl):
        self.store.renew(names, ttl)
        self.model.renew(names, ttl, self.now)
        await self.sweep()

    async def sweep(self):
        """Drop what is idle, here and now: when a store comes round to it by itself is its own affair."""
        await self.drop_idle()
        self.model.renew([], 1, self.now)
        self.model.forget_untouched(self.now)

    async def agree(self, specs):
        """Assert that every limit and every open reservation is as the model says."""
        readings = [(one.remaining, one.reset_ms, one.wait_ms) for one in await self.store.peek(specs)]
        assert readings == self.model.peek(specs, self.now), self.store.name
        opened = {one.id: (one.reserved_at_ms, one.expires_at_ms) for one in await self.store.held()}
        assert opened == {name: (own.since, own.expires) for name, own in self.model.live.items()}, self.store.name

    async def verify(self):
        """Assert that the ledger, where one is kept, explains every counter."""
        assert (await self.store.verify()).mismatches == ()


def outcome(call):
    try:
        return call()
    except (KeyError, ValueError) as error:
        return type(error)


async def said(call):
    try:
        return answered(await call)
    except (KeyError, ValueError) as error:
        return type(error)


def same(found, expected):
    assert found == expected
    return isinstance(found, Answer) and found.granted


class InProcess(Side):
    async def drop_idle(self):
        self.store.renew([], 1)
        self.store._ledger.states.sweep(self.now, 1000)

    async def reserve(self, *call):
        try:
            return await super().reserve(*call)
        finally:
            self.store._ledger.states.owed = 0


class MemorySide(InProcess):
    def __init__(self, clock):
        super().__init__(MemoryStore(clock), clock)

    async def verify(self):
        """It keeps none."""


class SqliteSide(InProcess):
    """Commits only when it must, so that a copy of its files is what a `kill -9` would leave."""

    def __init__(self, clock, folder):
        self.folder = folder
        self.lives = 0
        super().__init__(self._made(clock), clock)

    @property
    def path(self):
        return self.folder / f"life-{self.lives}.db"

    def _made(self, clock):
        return SqliteStore(self.path, clock, interval_s=NEVER_S, close_after_s=0, sync_s=NEVER_S)

    async def crash(self, *, quiet):
        """Go on from the files as they are right after a commit. After a quiet moment they are exact."""
        await self.verify()
        if quiet:
            await self.verify()
        dead, before = self.store, self.path
        self.lives += 1
        for suffix in ("", "-wal"):
            if before.with_name(before.name + suffix).exists():
                shutil.copy(f"{before}{suffix}", f"{self.path}{suffix}")
        await dead.close()
        self._expect(quiet=quiet)
        self.store = self._made(self.clock)
        await self.store.open()

    async def restart(self):
        """Stop as a deploy does, and start again: all is exact."""
        await self.store.close()
        self._expect(quiet=True)
        self.store = self._made(self.clock)
        await self.store.open()

    def _expect(self, *, quiet):
        """What the file says was charged is exact; what it promises beyond counts as spent from now on.

        A counter that nobody has used since the last crash is as that one left it: its promise counts already.
        """
        connection = sqlite3.connect(self.path)
        rows = connection.execute("SELECT key, label, charged, ceiling FROM budget").fetchall()
        connection.close()
        for key, label, charged, ceiling in rows:
            row = self.model.budgets.get((key.replace("|audit", "#shadow"), label), [0, 0])
            assert ceiling >= charged
            assert sum(row) in {charged, ceiling}
            assert not quiet or sum(row) == ceiling
            row[0] += ceiling - sum(row)
        self.model.restarted()


class RedisSide(Side):
    def __init__(self, clock, servers, url, home):
        super().__init__(RedisStore(parse(url), clock, dial=PATIENT, clock_decides=True, looks=0), clock)
        self.servers = servers
        self.home = home

    def _post(self, payload, settlement=None):
        self.store._outbox.post(Parcel(self.store._deciding.slot(self.home), payload, settlement))

    async def settle_again(self, name, actual):
        """As if the first one had been kept in the file of undelivered settlements too."""
        payload = self.store._calls.settle(self.home, name, actual, self.now)
        self._post(payload, Settlement(self.home, name, actual))

    async def drop_idle(self):
        self._post(self.store._calls.renew(self.home, [], 1, self.now, -1))

    def forget_scripts(self):
        for server in self.servers:
            server.say("SCRIPT", "FLUSH")

    async def crash(self):
        """`kill -9` and start again: what it had written to its file is there."""
        for server in self.servers:
            server.kill()
            server.start()
        for _ in range(100):
            try:
                await self.store.peek(())
                await self.store.held()
            except StoreUnavailable:
                continue
            return
        raise AssertionError("Redis did not come back")
