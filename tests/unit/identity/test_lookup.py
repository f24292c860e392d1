"""Keys of a book as requests see them: one look-up for all who ask, no store call for what is known, no revoked key."""

import asyncio

import pytest

from gateway.core import reasons
from gateway.core.clock import ManualClock
from gateway.core.refusal import Refusal
from gateway.identity.keys import Pepper
from gateway.identity.lookup import MOST_LOOKUPS, UNKNOWN_S, KeyLookup
from gateway.stores.book.base import Drop, Put, StoredOrg
from gateway.stores.book.memory import MemoryBook
from tests.support.books import HeldBook, account, stored_key
from tests.support.people import PEPPER

STALE_S = 600.0
PEPPERS = (Pepper("p1", PEPPER),)
K1, K2 = "k10000000000", "k20000000000"


def scene(body, *, most_keys: int = 100, peppers=PEPPERS) -> None:
    """Run `body(lookup, book, clock)` with acme's key k1 in the book."""

    async def run():
        book, clock = HeldBook(MemoryBook()), ManualClock()
        await book.write([Put(account()), Put(stored_key())])
        lookup = KeyLookup(book, clock, most_keys=most_keys, stale_s=STALE_S)
        lookup.configure(peppers, frozenset())
        await lookup.poll()
        try:
            await body(lookup, book, clock)
        finally:
            book.gate.set()
            await lookup.close()

    asyncio.run(run())


async def resolve(lookup: KeyLookup, key_id: str = K1):
    return lookup.cached(key_id) or await lookup.find(key_id)


def test_a_known_key_needs_no_second_look():
    async def body(lookup, book, _clock):
        first = await resolve(lookup)
        assert first.principal.account.id == "acme"
        assert first.pepper == PEPPER
        assert lookup.cached(K1) is first
        assert (await resolve(lookup), book.finds) == (first, [K1])

    scene(body)


def test_an_unknown_id_is_looked_up_once_in_a_while():
    async def body(lookup, book, clock):
        assert [await resolve(lookup, K2) for _ in range(3)] == [None] * 3
        clock.advance(UNKNOWN_S - 0.1)
        assert await resolve(lookup, K2) is None
        assert book.finds == [K2]
        clock.advance(0.2)
        assert await resolve(lookup, K2) is None
        assert book.finds == [K2, K2]

    scene(body)


def test_a_new_key_is_known_after_the_next_poll_even_if_it_was_tried_before():
    async def body(lookup, book, _clock):
        assert await resolve(lookup, K2) is None
        await book.write([Put(stored_key("k2"))])
        assert await resolve(lookup, K2) is None
        await lookup.poll()
        assert await resolve(lookup, K2) is not None

    scene(body)


def test_many_who_ask_share_one_look():
    async def body(lookup, book, _clock):
        book.gate.clear()
        asked = [asyncio.create_task(lookup.find(K1)) for _ in range(20)]
        await asyncio.sleep(0)
        asked[0].cancel()
        await asyncio.sleep(0)
        book.gate.set()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(answers[0], asyncio.CancelledError)
        assert len({id(answer) for answer in answers[1:]}) == 1
        assert answers[1].principal.key_id == K1
        assert book.finds == [K1]

    scene(body)


def test_looks_at_the_same_time_are_bounded():
    async def body(lookup, book, _clock):
        book.gate.clear()
        asked = [asyncio.create_task(lookup.find(f"x{number}")) for number in range(MOST_LOOKUPS)]
        await asyncio.sleep(0)
        refusal = await lookup.find(K1)
        assert (refusal.reason, refusal.retry_after_ms) == (reasons.OVERLOADED, 1000)
        book.gate.set()
        assert await asyncio.gather(*asked) == [None] * MOST_LOOKUPS
        assert not isinstance(await lookup.find(K1), Refusal)

    scene(body)


@pytest.mark.parametrize(
    ("change", "suspended", "revoked"),
    [
        (Put(stored_key(revoked=True)), False, True),
        (Put(account(suspended=True)), True, False),
        (Put(StoredOrg("acme", suspended=True)), True, False),
    ],
    ids=["key", "account", "org"],
)
def test_a_change_is_seen_after_the_next_poll(change, suspended, revoked):
    async def body(lookup, book, _clock):
        await resolve(lookup)
        await book.write([change])
        assert (await resolve(lookup)).revoked is False
        await lookup.poll()
        record = await resolve(lookup)
        assert (record.principal.account.suspended, record.revoked) == (suspended, revoked)

    scene(body)


def test_own_changes_are_seen_at_once():
    async def body(lookup, book, _clock):
        await resolve(lookup)
        change = Put(stored_key(revoked=True))
        written = await book.write([change])
        lookup.changed([change.ref], written.revision)
        assert (await resolve(lookup)).revoked

    scene(body)


@pytest.mark.parametrize("own", [True, False])
def test_a_look_that_overlaps_a_change_is_neither_kept_nor_shared_any_more(own):
    async def body(lookup, book, _clock):
        book.gate.clear()
        asked = asyncio.create_task(lookup.find(K1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        change = Put(stored_key(revoked=True))
        written = await book.write([change])
        if own:
            lookup.changed([change.ref], written.revision)
        else:
            await lookup.poll()
        later = asyncio.create_task(lookup.find(K1))
        await asyncio.sleep(0)
        book.gate.set()
        assert (await asked).revoked is False, "it was read before the change"
        assert (await later).revoked
        assert (await resolve(lookup)).revoked

    scene(body)


def test_without_the_book_known_keys_are_served_for_a_while():
    async def body(lookup, book, clock):
        await resolve(lookup)
        await lookup.poll()
        book.down = True
        clock.advance(STALE_S)
        await lookup.poll()
        assert lookup.cached(K1) is not None
        assert (await resolve(lookup, K2)).reason is reasons.LIMITER_UNAVAILABLE
        clock.advance(1)
        refusal = await resolve(lookup)
        assert (refusal.reason, refusal.retry_after_ms) == (reasons.LIMITER_UNAVAILABLE, 1000)
        assert "cannot look up keys" in refusal.message
        book.down = False
        await lookup.poll()
        assert lookup.cached(K1) is not None, "nothing changed meanwhile"

    scene(body)


def test_what_changed_while_the_book_was_away_is_seen_when_it_is_back():
    async def body(lookup, book, clock):
        await resolve(lookup)
        book.down = True
        await lookup.poll()
        await book.book.write([Put(stored_key(revoked=True))])
        clock.advance(30)
        assert (await resolve(lookup)).revoked is False
        book.down = False
        await lookup.poll()
        assert (await resolve(lookup)).revoked

    scene(body)


def test_silence_and_its_end_are_logged_once(caplog):
    async def body(lookup, book, _clock):
        book.down = True
        await lookup.poll()
        await lookup.poll()
        book.down = False
        await lookup.poll()
        await lookup.poll()

    with caplog.at_level("INFO", "gateway"):
        scene(body)
    assert [record.message for record in caplog.records] == [
        "accounts cannot be read; keys in memory are served", "accounts can be read again",
    ]  # fmt: skip


def test_a_book_that_cannot_tell_what_changed_makes_it_forget_all():
    async def body(lookup, book, _clock):
        await resolve(lookup)
        book.book = MemoryBook()  # a store that was lost: its revisions begin again
        await lookup.poll()
        assert lookup.cached(K1) is None
        assert await resolve(lookup) is None
        await book.write([Put(account()), Put(stored_key())])
        await lookup.poll()
        assert (await resolve(lookup)).principal.account.id == "acme"
        assert lookup.cached(K1) is not None, "and it remembers again"

    scene(body)


def test_a_lost_store_does_not_keep_it_from_remembering():
    async def body(lookup, book, _clock):
        lookup.changed([], 10**15)  # written by us, then lost in a failover
        assert await resolve(lookup) is not None
        assert lookup.cached(K1) is None
        book.book = MemoryBook()
        await book.write([Put(account()), Put(stored_key())])
        for _ in range(3):
            await book.write([Drop((stored_key().ref[0], "none"))])
        lookup._applied = 10**15
        await lookup.poll()
        await resolve(lookup)
        assert lookup.cached(K1) is not None

    scene(body)


def test_a_key_with_a_pepper_that_is_not_configured_is_unknown(caplog):
    async def body(lookup, book, _clock):
        assert await resolve(lookup) is None
        lookup.configure(PEPPERS, frozenset())
        assert await resolve(lookup) is not None

    scene(body, peppers=[Pepper("p2", PEPPER)])
    assert caplog.records[0].fields == {"key": K1, "pepper": "p1"}


def test_an_org_that_the_file_suspends_is_suspended_here_too():
    async def body(lookup, book, _clock):
        record = await resolve(lookup)
        assert not record.principal.account.suspended
        lookup.configure(PEPPERS, frozenset())
        assert lookup.cached(K1) is record, "a reload that changes nothing of this forgets nothing"
        lookup.configure(PEPPERS, frozenset({"acme"}))
        assert (await resolve(lookup)).principal.account.suspended

    scene(body)


def test_memory_is_bounded():
    async def body(lookup, book, _clock):
        await book.write([Put(stored_key(f"b{number:02}")) for number in range(50)])
        for number in range(50):
            await resolve(lookup, f"b{number:02}000000000")
        assert len(lookup) == 7

    scene(body, most_keys=7)


def test_following_goes_on_after_a_fault(monkeypatch, caplog):
    polls = []

    async def body(lookup, book, _clock):
        async def broken(since):
            polls.append(since)
            if len(polls) == 1:
                raise RuntimeError("a fault of ours")
            done.set()
            return await book.book.changes(since)

        done = asyncio.Event()
        monkeypatch.setattr(book, "changes", broken)
        monkeypatch.setattr("gateway.identity.lookup.POLL_S", 0.0)
        task = asyncio.create_task(lookup.follow())
        await asyncio.wait_for(done.wait(), 20)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    scene(body)
    assert "accounts could not be followed" in caplog.text
