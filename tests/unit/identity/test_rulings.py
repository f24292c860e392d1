"""What people make of accounts: it must say why and until when, it is known at once, and the past stays on record."""

import asyncio

import pytest

from gateway.core import reasons
from gateway.core.clock import ManualClock
from gateway.core.refusal import Refusal
from gateway.identity import rulings as rulings_module
from gateway.identity.entries import moment_text
from gateway.identity.lookup import KeyLookup
from gateway.identity.register import Register
from gateway.identity.rulings import LONGEST_MS, Rulings, standing_shown
from gateway.stores.base import StoreUnavailable
from gateway.stores.book.base import RULINGS, Put, StoredStanding, Written
from gateway.stores.book.memory import MemoryBook
from tests.support.books import HeldBook, ruling
from tests.support.people import NOW, directory

DAY = 86_400_000
WEEK = {"standing": "limited", "reason": "case 71", "until": moment_text(NOW + 7 * DAY)}


def scene(body) -> None:
    """Run `body(rulings, register, clock)`; the file has acme-prod, the book ada."""

    async def run():
        book, clock = HeldBook(MemoryBook()), ManualClock(NOW)
        lookup = KeyLookup(book, clock, most_keys=100, stale_s=60)
        register = Register(book, lookup, clock, directory)
        await register.put_account("ada", {"tier": "free"})
        await body(Rulings(register, lookup.standings, clock), register, clock)

    asyncio.run(run())


def view(shown, clock) -> dict:
    return standing_shown(shown, "trust@example.com", clock.now_ms())


@pytest.mark.parametrize("name", ["ada", "acme-prod"])
def test_a_ruling_is_known_at_once_with_who_why_and_until_when(name):
    async def body(rulings, _register, clock):
        assert view(await rulings.show(name), clock) == {
            "account": name, "standing": "clear", "reason": "", "by": "", "since": None, "until": None,
            "appeal": "trust@example.com", "version": 0, "history": [],
        }  # fmt: skip
        shown = view(await rulings.put(name, WEEK, "bob"), clock)
        ruled = {"standing": "limited", "reason": "case 71", "by": "bob", "since": moment_text(NOW),
                 "until": WEEK["until"]}  # fmt: skip
        assert shown.pop("version") > 0
        assert shown == {"account": name, **ruled, "appeal": "trust@example.com", "history": [ruled]}
        assert rulings._standings.standing(name, NOW) == "limited"

    scene(body)


def test_the_past_stays_on_record_and_is_bounded():
    async def body(rulings, _register, clock):
        for number in range(RULINGS + 3):
            clock.advance(1)
            shown = await rulings.put("ada", {**WEEK, "reason": f"case {number}"}, "bob")
        assert [one["reason"] for one in view(shown, clock)["history"]] == [
            f"case {number}" for number in range(RULINGS + 2, 2, -1)
        ]
        lifted = view(await rulings.put("ada", {"standing": "clear", "reason": "was wrong"}, "eve"), clock)
        assert (lifted["standing"], lifted["by"], lifted["until"]) == ("clear", "eve", None)
        assert [one["by"] for one in lifted["history"][:2]] == ["eve", "bob"]
        assert rulings._standings.standing("ada", clock.now_ms()) == "clear"

    scene(body)


def test_what_has_run_out_reads_clear_and_stays_on_record():
    async def body(rulings, _register, clock):
        await rulings.put("ada", WEEK, "bob")
        clock.advance(7 * 86_400)
        shown = view(await rulings.show("ada"), clock)
        assert (shown["standing"], shown["by"], shown["since"], shown["until"]) == ("clear", "", WEEK["until"], None)
        assert shown["history"][0]["standing"] == "limited"

    scene(body)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "missing key 'standing'"),
        ({**WEEK, "standing": "suspended"}, "standing: expected 'clear', 'watched', 'limited' or 'blocked'"),
        ({**WEEK, "standing": None}, "standing"),
        ({"standing": "limited", "until": WEEK["until"]}, "missing key 'reason'"),
        ({**WEEK, "reason": ""}, "reason"),
        ({**WEEK, "reason": "x" * 501}, "reason"),
        ({**WEEK, "reason": "x" * 1_000_000}, "reason"),
        ({**WEEK, "reason": "a\nb c"}, "one line of printable text"),
        ({**WEEK, "reason": "a\x1b[31m c"}, "one line of printable text"),
        ({**WEEK, "reason": "a\x00 c"}, "one line of printable text"),
        ({**WEEK, "reason": "a \u202e c"}, "one line of printable text"),
        ({**WEEK, "reason": "\udc80 abc"}, "surrogate"),
        ({**WEEK, "by": "somebody"}, "unknown key 'by'"),
        ({**WEEK, "until": None}, "missing key 'until'"),
        ({"standing": "blocked", "reason": "case 71"}, "missing key 'until'"),
        ({**WEEK, "until": moment_text(NOW)}, "until: expected a moment to come"),
        ({**WEEK, "until": "1970-01-01"}, "until: expected a moment to come"),
        ({**WEEK, "until": moment_text(NOW + LONGEST_MS + 1)}, "until: expected at most a year from now"),
        ({**WEEK, "until": "9999-12-31"}, "until: expected at most a year from now"),
        ({**WEEK, "until": "tomorrow"}, "until"),
        ({**WEEK, "until": 1_900_000_000_000}, "until"),
        ({**WEEK, "standing": "clear"}, "a clear standing has no end"),
        ([], "expected a mapping"),
        (None, "expected a mapping"),
    ],
)
def test_what_is_no_ruling_changes_nothing(body, words):
    async def scenario(rulings, _register, clock):
        refusal = await rulings.put("ada", body, "bob")
        assert isinstance(refusal, Refusal), refusal
        assert refusal.reason is reasons.INVALID_FIELD
        assert words in refusal.message
        assert len(refusal.message) < 700
        assert (await rulings.show("ada")).newest is None
        assert rulings._standings.standing("ada", clock.now_ms()) == "clear"

    scene(scenario)


def test_the_longest_is_a_year():
    async def body(rulings, _register, _clock):
        shown = await rulings.put("ada", {**WEEK, "until": moment_text(NOW + LONGEST_MS)}, "bob")
        assert shown.newest.until_ms == NOW + LONGEST_MS

    scene(body)


@pytest.mark.parametrize("name", ["nobody", "", "a\x00b", "x" * 5000])
def test_nobody_is_ruled_who_is_not_there(name):
    async def body(rulings, _register, _clock):
        for answer in (await rulings.put(name, WEEK, "bob"), await rulings.show(name)):
            assert isinstance(answer, Refusal)
            assert (answer.reason, answer.message) == (reasons.UNKNOWN_ROUTE, "no such account")

    scene(body)


def test_it_outlives_the_account():
    async def body(rulings, register, _clock):
        await rulings.put("ada", WEEK, "bob")
        await register.delete_account("ada")
        assert isinstance(await rulings.show("ada"), Refusal)
        await register.put_account("ada", {"tier": "free"})
        assert (await rulings.show("ada")).newest.standing == "limited"

    scene(body)


def test_only_so_many_are_not_clear_and_those_may_still_be_ruled(monkeypatch):
    monkeypatch.setattr(rulings_module, "MOST", 1)

    async def body(rulings, _register, _clock):
        assert not isinstance(await rulings.put("ada", WEEK, "bob"), Refusal)
        full = await rulings.put("acme-prod", WEEK, "bob")
        assert "1 accounts are not clear already" in full.message
        assert not isinstance(await rulings.put("ada", {**WEEK, "standing": "blocked"}, "bob"), Refusal)
        assert not isinstance(await rulings.put("acme-prod", {"standing": "clear", "reason": "case 72"}, "b"), Refusal)

    scene(body)


def test_a_write_whose_echo_is_lost_is_done_and_heard_of_later():
    async def body(rulings, register, clock):
        book = register.book

        async def away(_refs):
            raise StoreUnavailable("down")

        book.get = away
        ruled = StoredStanding("ada", ruling("limited"))
        assert isinstance(await register.write([Put(ruled)]), Written)
        assert rulings._standings.standing("ada", clock.now_ms()) == "clear"
        del book.get
        await register._lookup.poll()
        assert rulings._standings.standing("ada", clock.now_ms()) == "limited"

    scene(body)
