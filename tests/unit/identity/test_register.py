"""What operators do to accounts: whole writes, partial ones, deletions; what stands in the file is left alone."""

import asyncio

import pytest

from gateway.core import reasons
from gateway.core.clock import ManualClock
from gateway.core.refusal import Refusal
from gateway.identity.keys import Pepper
from gateway.identity.lookup import KeyLookup
from gateway.identity.register import TRIES, Register
from gateway.stores.book.base import MAX_BATCH, Kind, Put, StoredAccount
from gateway.stores.book.memory import MemoryBook
from tests.support.books import account, stored_key
from tests.support.people import NOW, PEPPER, directory


class BusyBook(MemoryBook):
    """Somebody else writes the account just before each of the next `times` writes."""

    times = 0

    async def write(self, changes):
        if self.times:
            self.times -= 1
            await super().write([Put(account(tier=f"theirs{self.times}"))])
        return await super().write(changes)


def scene(body) -> None:
    """Run `body(register, book, lookup)`; the file has acme-prod, the book is empty."""

    async def run():
        book, clock = BusyBook(), ManualClock(NOW)
        lookup = KeyLookup(book, clock, most_keys=100, stale_s=60)
        lookup.configure([Pepper("p1", PEPPER)], frozenset())
        await body(Register(book, lookup, clock, directory), book, lookup)

    asyncio.run(run())


def says(answer, *words: str) -> bool:
    assert isinstance(answer, Refusal), answer
    assert answer.reason is reasons.INVALID_FIELD
    return all(word in answer.message for word in words)


def test_an_account_is_made_and_replaced():
    async def body(register, _book, _lookup):
        made = await register.put_account("ada", {"tier": "free", "tags": ["b", "a"], "org": "globex"})
        assert (made.account.org, made.account.tags, made.account.created_ms) == ("globex", {"a", "b"}, NOW)
        replaced = await register.put_account("ada", {"tier": "paid", "version": made.version})
        assert (replaced.account.tier, replaced.account.org, replaced.account.tags) == ("paid", "ada", frozenset())
        assert replaced.account.created_ms == NOW
        assert await register.account("ada") == replaced
        assert says(await register.put_account("ada", {"tier": "x", "version": made.version}), "expected version")
        assert says(await register.put_account("ada", {"tier": "x", "version": 0}), "expected none of this name")
        assert (await register.account("ada")).account.tier == "paid"
        assert [one.account.id for one in await register.accounts("", 10)] == ["ada"]

    scene(body)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, ["missing key 'tier'"]),
        ({"tier": "free", "teir": 1}, ["unknown key 'teir'", "did you mean 'tier'"]),
        ({"tier": "free", "country": "Germany"}, ["country"]),
        ({"tier": "free", "verified": "yes"}, ["verified: expected true or false"]),
        ({"tier": "free", "version": -1}, ["version"]),
        ([], ["expected a mapping"]),
    ],
)
def test_a_body_that_is_no_account_is_told_what_was_expected(body, words):
    async def run(register, book, _lookup):
        assert says(await register.put_account("ada", body), *words)
        assert await book.accounts("", 1) == []

    scene(run)


@pytest.mark.parametrize("name", ["", " ada", "a b", "ä", "a" * 129, "-x", "a\n"])
def test_a_name_that_could_not_stand_in_a_log_is_refused(name):
    async def body(register, _book, _lookup):
        assert says(await register.put_account(name, {"tier": "free"}), "id: expected text")
        assert says(await register.put_org(name, {"suspended": True}), "id: expected text")

    scene(body)


def test_a_change_touches_what_it_names_and_nothing_else():
    async def body(register, _book, _lookup):
        full = {"tier": "free", "org": "globex", "country": "DE", "declared_purpose": "prose", "tags": ["a"],
                "created": "2026-01-02T03:04:05.678Z"}  # fmt: skip
        first = await register.put_account("ada", full)
        changed = await register.patch_account("ada", {"verified": True, "country": None})
        assert changed.account == type(first.account)(
            "ada", "globex", "free", "", True, "prose", frozenset({"a"}), False, first.account.created_ms
        )
        assert first.account.created_ms == 1_767_323_045_678
        assert says(await register.patch_account("ada", {"verfied": True}), "unknown key 'verfied'")
        assert says(await register.patch_account("ada", {"tier": None}), "missing key 'tier'")
        assert says(await register.patch_account("ada", "x"), "expected a JSON object")
        assert (await register.patch_account("bob", {"tier": "x"})).reason is reasons.UNKNOWN_ROUTE

    scene(body)


def test_a_change_that_others_come_between_is_tried_again():
    async def body(register, book, _lookup):
        first = await register.put_account("acme", {"tier": "free"})
        book.times = 2
        changed = await register.patch_account("acme", {"verified": True})
        assert (changed.account.tier, changed.account.verified) == ("theirs0", True)
        book.times = TRIES
        assert (await register.patch_account("acme", {"verified": False})).reason is reasons.OVERLOADED
        stale = await register.patch_account("acme", {"tier": "mine", "version": first.version})
        assert says(stale, f"expected version {first.version}")

    scene(body)


def test_an_account_goes_with_all_its_keys():
    async def body(register, book, lookup):
        await register.put_account("acme", {"tier": "free"})
        ids = [f"k{number:011}" for number in range(MAX_BATCH + 5)]
        await book.write([Put(stored_key(key_id)) for key_id in ids[:MAX_BATCH]])
        await book.write([Put(stored_key(key_id)) for key_id in ids[MAX_BATCH:]])
        assert await lookup.find(ids[0]) is not None
        assert await register.delete_account("acme") == MAX_BATCH + 5
        assert lookup.cached(ids[0]) is None
        assert await lookup.find(ids[0]) is None
        assert (await register.delete_account("acme")).reason is reasons.UNKNOWN_ROUTE

    scene(body)


def test_what_stands_in_the_file_is_changed_there():
    async def body(register, book, _lookup):
        for answer in (
            await register.put_account("acme-prod", {"tier": "free"}),
            await register.patch_account("acme-prod", {"tier": "free"}),
            await register.delete_account("acme-prod"),
        ):
            assert says(answer, "'acme-prod' is in accounts.yaml: change it there")
        assert await book.accounts("", 1) == []

    scene(body)


def test_an_org_is_suspended_and_let_go_again():
    async def body(register, _book, lookup):
        await register.write([Put(StoredAccount(account(org="globex").account)), Put(stored_key())])
        key_id = stored_key().id
        assert not (await lookup.find(key_id)).principal.account.suspended
        assert (await register.put_org("globex", {"suspended": True})).suspended
        assert (await lookup.find(key_id)).principal.account.suspended
        assert says(await register.put_org("globex", {"suspend": True}), "unknown key 'suspend'")
        assert not (await register.put_org("globex", {"suspended": False})).suspended
        assert not (await lookup.find(key_id)).principal.account.suspended
        assert (await register.org("nobody")).version == 0
        assert (Kind.ORG, "nobody") not in await register.book.get([(Kind.ORG, "nobody")])

    scene(body)
