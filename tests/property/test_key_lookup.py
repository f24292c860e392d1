"""Whatever comes in which order, no revoked key is served from memory once its revocation was seen, nor for longer than
the setting allows while the book is silent; and a flood of ids that are no key pushes out none that is.
"""

import asyncio
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.clock import ManualClock
from gateway.core.refusal import Refusal
from gateway.identity.keys import Pepper
from gateway.identity.lookup import MOST_UNKNOWN, KeyLookup
from gateway.stores.book.base import Put, StoredOrg
from gateway.stores.book.memory import MemoryBook
from tests.support.books import HeldBook, account, stored_key
from tests.support.people import PEPPER

STALE_S = 10.0
NAMES = ("a", "b", "c")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["ask", "ask", "ask", "revoke", "revoke here", "suspend"]), st.sampled_from(NAMES)),
        st.tuples(st.sampled_from(["poll", "poll", "hold", "let go", "down", "up"]), st.just("")),
        st.tuples(st.just("wait"), st.sampled_from([0.2, 3.0, 9.0])),
    ),
    max_size=60,
)


@dataclass
class Truth:
    """What really happened to a key, in steps and seconds."""

    bad_at: float | None = None
    bad_step: int | None = None
    told_step: int = 0
    """When this process itself was told."""
    asked: list = field(default_factory=list)


class World:
    """A lookup over a book, three keys of three accounts of one org, and what is true of them."""

    def __init__(self) -> None:
        self.book, self.clock = HeldBook(MemoryBook()), ManualClock()
        self.lookup = KeyLookup(self.book, self.clock, most_keys=2, stale_s=STALE_S)
        self.truth = {name: Truth() for name in NAMES}
        self.seen_step = 0
        """Everything up to this step was seen by a poll."""
        self.step = 0

    async def make(self) -> None:
        await self.book.write([Put(account(name, org="org")) for name in NAMES])
        await self.book.write([Put(stored_key(name, of=name)) for name in NAMES])
        self.lookup.configure([Pepper("p1", PEPPER)], frozenset())
        await self.lookup.poll()

    async def do(self, what: str, argument) -> None:
        self.step += 1
        if what == "ask":
            known_since = max(self.seen_step, self.truth[argument].told_step)
            self.check(argument, self.lookup.cached(f"{argument:0<12}"), known_since)
            task = asyncio.create_task(self.lookup.find(f"{argument:0<12}"))
            self.truth[argument].asked.append((known_since, task))
        elif what in ("revoke", "revoke here"):
            change = Put(stored_key(argument, of=argument, revoked=True))
            written = await self.book.book.write([change])
            self.spoil(argument)
            if what == "revoke here":
                self.lookup.changed([change.ref], written.revision)
                self.truth[argument].told_step = self.step
                assert self.lookup.cached(f"{argument:0<12}") is None
        elif what == "suspend":
            await self.book.book.write([Put(StoredOrg("org", suspended=True))])
            for name in NAMES:
                self.spoil(name)
        elif what == "poll":
            await self.lookup.poll()
            if not self.book.down:
                self.seen_step = self.step
        elif what == "wait":
            self.clock.advance(argument)
        elif what in ("down", "up"):
            self.book.down = what == "down"
        elif what == "hold":
            self.book.gate.clear()
        else:
            self.book.gate.set()
        for _ in range(4):
            await asyncio.sleep(0)
        self.collect()

    def spoil(self, name: str) -> None:
        truth = self.truth[name]
        if truth.bad_step is None:
            truth.bad_at, truth.bad_step = self.clock.monotonic(), self.step

    def check(self, name: str, record, known_since: int) -> None:
        """A record that opens the door was good at the last poll, and was good `STALE_S` ago."""
        truth = self.truth[name]
        if record is None or record.revoked or record.principal.account.suspended or truth.bad_step is None:
            return
        assert truth.bad_step > known_since
        assert self.clock.monotonic() - truth.bad_at <= STALE_S

    def collect(self) -> None:
        """Look-ups that have ended: what was known as bad when they were asked for, they do not call good."""
        for truth in self.truth.values():
            ended = [one for one in truth.asked if one[1].done()]
            truth.asked = [one for one in truth.asked if not one[1].done()]
            for known_since, task in ended:
                answer = task.result()
                if answer is None or isinstance(answer, Refusal):
                    assert isinstance(answer, Refusal), "the key exists"
                    continue
                good = not answer.revoked and not answer.principal.account.suspended
                assert not good or truth.bad_step is None or truth.bad_step > known_since


@settings(max_examples=300)
@given(STEPS)
def test_no_revoked_key_outlives_its_bound(steps):
    async def run():
        world = World()
        await world.make()
        for what, argument in steps:
            await world.do(what, argument)
        await world.do("up", "")
        await world.do("let go", "")
        await world.do("poll", "")
        for name in NAMES:
            await world.do("ask", name)
        await world.lookup.close()

    asyncio.run(run())


@settings(max_examples=20)
@given(st.lists(st.sampled_from(["flood", "use"]), max_size=12))
def test_a_flood_of_bad_ids_pushes_out_no_key(steps):
    async def run():
        world = World()
        await world.make()
        assert not isinstance(await world.lookup.find("a00000000000"), Refusal | None)
        count = 0
        for step in steps:
            if step == "use":
                assert world.lookup.cached("a00000000000") is not None
                continue
            for _ in range(1500):
                count += 1
                assert await world.lookup.find(f"bad{count:09}") is None
            assert world.lookup._cache.unknown == min(count, MOST_UNKNOWN)
        await world.lookup.close()

    asyncio.run(run())
