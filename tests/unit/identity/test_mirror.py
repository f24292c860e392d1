"""What every process has in memory of a book: it hears of news, ends and losses, and bears a book that is away."""

import asyncio

import pytest

from gateway.core.clock import ManualClock
from gateway.identity.lookup import KeyLookup
from gateway.identity.mirror import PAGE
from gateway.stores.base import StoreUnavailable
from gateway.stores.book.base import Drop, Kind, Put, StoredStanding
from gateway.stores.book.memory import MemoryBook
from tests.support.books import HeldBook, account, ruling, stored_key, switch
from tests.support.people import NOW


class OftenAway(HeldBook):
    """Its lists and rows can be away while the rest answers."""

    rows_away = False

    async def get(self, refs):
        self._require_rows()
        return await self.book.get(refs)

    async def rows(self, kind, after, limit):
        self._require_rows()
        return await self.book.rows(kind, after, limit)

    def _require_rows(self) -> None:
        if self.rows_away:
            raise StoreUnavailable("away")


def scene(body) -> None:
    """Run `body(lookup, book, clock)`."""

    async def run():
        book, clock = OftenAway(MemoryBook()), ManualClock(NOW)
        lookup = KeyLookup(book, clock, most_keys=100, stale_s=600)
        await lookup.poll()
        await body(lookup, book, clock)
        await lookup.close()

    asyncio.run(run())


def standing(name: str = "ada", word: str = "limited", **facts) -> Put:
    return Put(StoredStanding(name, ruling(word, **facts)))


def test_news_and_changes_come_with_the_next_poll():
    async def body(lookup, book, _clock):
        await book.write([standing(), Put(switch())])
        assert lookup.standings.standing("ada", NOW) == "clear"
        await lookup.poll()
        assert lookup.standings.standing("ada", NOW) == "limited"
        assert list(lookup.mirror.switches) == ["all"]
        await book.write([standing(word="clear"), Drop((Kind.SWITCH, "all"))])
        await lookup.poll()
        assert lookup.standings.standing("ada", NOW) == "clear"
        assert lookup.mirror.switches == {}

    scene(body)


def test_what_it_could_not_read_comes_later_and_keys_are_dropped_all_the_same():
    async def body(lookup, book, _clock):
        await book.write([Put(account()), Put(stored_key(pepper="none"))])
        await lookup.poll()
        book.rows_away = True
        await book.write([standing()])
        await lookup.poll()
        assert lookup.standings.standing("ada", NOW) == "clear"
        book.rows_away = False
        await lookup.poll()
        assert lookup.standings.standing("ada", NOW) == "limited"

    scene(body)


def test_it_holds_while_the_book_is_away_and_ends_in_time():
    async def body(lookup, book, clock):
        told = []
        await book.write([standing(), Put(switch())])
        await lookup.poll()
        lookup.mirror.tell = lambda: told.append(len(lookup.standings))
        book.down = True
        clock.advance(59.9)
        await lookup.poll()
        clock.advance(0.1)
        await lookup.poll()
        assert told == [1, 0]

    scene(body)


@pytest.mark.parametrize("many", [0, 1, PAGE, 2 * PAGE + 1])
def test_a_book_that_lost_its_past_is_read_whole(many):
    async def body(lookup, book, _clock):
        await book.write([standing("gone"), Put(switch("gone"))])
        await lookup.poll()
        assert (len(lookup.standings), len(lookup.mirror.switches)) == (1, 1)
        book.book = MemoryBook()
        if many:
            await book.write([standing(f"a{number:04}") for number in range(many)])
        book.book._revision, book.book._floor = 1000, 999
        await lookup.poll()
        assert (len(lookup.standings), len(lookup.mirror.switches)) == (many, 0)

    scene(body)


def test_whoever_reads_later_applies_later():
    """A poll that read before a change of this process must not bring back what was before it."""

    async def body(lookup, book, _clock):
        gate, reached, get = asyncio.Event(), asyncio.Event(), book.get

        async def slow(refs):
            found = await get(refs)
            reached.set()
            await gate.wait()
            return found

        await book.write([standing()])
        book.get = slow
        polling = asyncio.create_task(lookup.poll())
        await reached.wait()
        book.get = get
        await book.write([standing(word="blocked")])
        own = asyncio.create_task(lookup.mirror.follow([(Kind.STANDING, "ada")]))
        for _ in range(5):
            await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(polling, own)
        assert lookup.standings.standing("ada", NOW) == "blocked"

    scene(body)


def test_a_standing_that_is_no_more_is_none():
    """No write drops one; a Redis that lost its memory does."""

    async def body(lookup, book, _clock):
        await book.write([standing()])
        await lookup.poll()
        book.book = MemoryBook()
        await lookup.mirror.follow([(Kind.STANDING, "ada")])
        assert len(lookup.standings) == 0

    scene(body)


def test_rows_of_accounts_and_keys_are_none_of_its_business():
    async def body(lookup, book, _clock):
        book.rows_away = True
        await lookup.mirror.follow([(Kind.ACCOUNT, "ada"), (Kind.KEY, "k1"), (Kind.ORG, "o")])

    scene(body)
