"""Kill switches: a reason and an end, a policy that exists, and a record of who did what."""

import asyncio

import pytest

from gateway.core import reasons
from gateway.core.clock import ManualClock
from gateway.core.refusal import Refusal
from gateway.identity.entries import moment_text
from gateway.identity.lookup import KeyLookup
from gateway.identity.register import Register
from gateway.policy import switches as switches_module
from gateway.policy.switches import LONGEST_MS, Switch, Switchboard, running, switch_shown
from gateway.stores.book.base import Put
from gateway.stores.book.memory import MemoryBook
from tests.support.books import switch
from tests.support.people import NOW, directory

HOUR = 3_600_000
BODY = {"reason": "case 71", "until": moment_text(NOW + HOUR)}


def scene(body) -> None:
    """Run `body(board, book, clock)`; there are the policies free and developer."""

    async def run():
        book, clock = MemoryBook(), ManualClock(NOW)
        register = Register(book, KeyLookup(book, clock, most_keys=9, stale_s=60), clock, directory)
        await body(Switchboard(register, clock, lambda: ["free", "developer"]), book, clock)

    asyncio.run(run())


def says(answer, *words: str, reason=reasons.INVALID_FIELD) -> bool:
    assert isinstance(answer, Refusal), answer
    assert (answer.reason, len(answer.message) < 700) == (reason, True)
    return all(word in answer.message for word in words)


@pytest.mark.parametrize("policy", ["free", "all"])
def test_off_and_on_again_with_who_and_why(policy):
    async def body(board, _book, clock):
        row = await board.off(policy, BODY, "ada")
        assert switch_shown(row) == {
            "policy": policy, "reason": "case 71", "by": "ada", "since": moment_text(NOW), "until": BODY["until"],
            "lifted_by": None,
        }  # fmt: skip
        assert await board.show(policy) == row
        clock.advance(60)
        assert switch_shown(await board.on(policy, "bob")).items() >= {
            "by": "ada", "lifted_by": "bob", "until": moment_text(NOW + 60_000),
        }.items()  # fmt: skip
        assert says(await board.on(policy, "bob"), f"'{policy}' is not switched off", reason=reasons.UNKNOWN_ROUTE)
        assert [one.lifted_by for one in await board.list()] == ["bob"]
        again = await board.off(policy, {**BODY, "reason": "case 72"}, "eve")
        assert (again.by, again.reason, again.lifted_by) == ("eve", "case 72", "")

    scene(body)


def test_one_that_is_off_gets_another_reason_and_end():
    async def body(board, _book, _clock):
        await board.off("free", BODY, "ada")
        await board.off("free", {"reason": "case 72", "until": moment_text(NOW + 2 * HOUR)}, "bob")
        [row] = await board.list()
        assert (row.reason, row.by, row.until_ms) == ("case 72", "bob", NOW + 2 * HOUR)

    scene(body)


def test_it_ends_by_itself():
    async def body(board, _book, clock):
        await board.off("free", BODY, "ada")
        clock.advance(HOUR / 1000 - 0.001)
        assert not isinstance(await board.show("free"), Refusal)
        clock.advance(0.001)
        assert says(await board.show("free"), "not switched off", reason=reasons.UNKNOWN_ROUTE)

    scene(body)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("fere", "there is no policy 'fere', did you mean 'free'?"),
        ("ALL", "there is no policy 'ALL', expected one of: all, developer, free"),
        ("", "there is no policy ''"),
        ("free\x1b[31m", "there is no policy '…'"),
        ("x" * 5000, "there is no policy '…'"),
    ],
)
def test_what_is_no_policy_gets_the_nearest_word(policy, words):
    async def body(board, _book, _clock):
        assert says(await board.off(policy, BODY, "ada"), words)
        assert await board.list() == []

    scene(body)


def test_a_word_that_is_near_one_that_is_off():
    async def body(board, _book, _clock):
        await board.off("developer", BODY, "ada")
        assert says(await board.on("developr", "ada"), "did you mean 'developer'?", reason=reasons.UNKNOWN_ROUTE)

    scene(body)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "missing key 'reason'"),
        ({"reason": "case 71"}, "missing key 'until'"),
        ({"until": BODY["until"]}, "missing key 'reason'"),
        ({**BODY, "reason": "no"}, "reason"),
        ({**BODY, "reason": "x" * 501}, "reason"),
        ({**BODY, "reason": "a\tb c"}, "one line of printable text"),
        ({**BODY, "until": moment_text(NOW)}, "until: expected a moment to come"),
        ({**BODY, "until": moment_text(NOW + LONGEST_MS + 1)}, "until: expected at most 30 days from now"),
        ({**BODY, "until": "2h"}, "until"),
        ({**BODY, "by": "somebody"}, "unknown key 'by'"),
        ([1], "expected a mapping"),
    ],
)
def test_a_switch_without_a_good_reason_or_end_is_refused(body, words):
    async def scenario(board, _book, _clock):
        assert says(await board.off("free", body, "ada"), words)
        assert await board.list() == []

    scene(scenario)


def test_thirty_days_are_the_longest():
    async def body(board, _book, _clock):
        row = await board.off("all", {**BODY, "until": moment_text(NOW + LONGEST_MS)}, "ada")
        assert row.until_ms == NOW + LONGEST_MS

    scene(body)


def test_a_policy_that_is_gone_can_be_switched_on():
    async def body(board, book, _clock):
        await book.write([Put(switch("retired"))])
        assert (await board.on("retired", "bob")).lifted_by == "bob"

    scene(body)


def test_those_that_are_over_go_in_time_the_oldest_first(monkeypatch):
    monkeypatch.setattr(switches_module, "_KEPT_OVER", 2)

    async def body(board, book, _clock):
        await book.write([Put(switch(f"old{number}", until_ms=NOW - number)) for number in range(4)])
        await book.write([Put(switch("lifted", lifted_by="bob"))])
        await board.off("free", BODY, "ada")
        assert [row.policy for row in await board.list()] == ["free", "lifted", "old0"]
        monkeypatch.setattr(switches_module, "_KEPT_OVER", 0)
        await book.write([Put(switch("free", until_ms=NOW))])
        await board.off("free", BODY, "ada")
        assert [row.policy for row in await board.list()] == ["free"]

    scene(body)


def test_there_are_only_so_many(monkeypatch):
    monkeypatch.setattr(switches_module, "MOST", 2)

    async def body(board, book, _clock):
        await book.write([Put(switch("a")), Put(switch("free"))])
        assert says(await board.off("developer", BODY, "ada"), "switch 'all' off", reason=reasons.INVALID_REQUEST)
        assert not isinstance(await board.off("free", BODY, "ada"), Refusal)

    scene(body)


@pytest.mark.interpreted
def test_somebody_else_lifted_it_meanwhile():
    class Busy(MemoryBook):
        times = 1

        async def write(self, changes):
            if self.times:
                self.times -= 1
                await super().write([Put(switch("free", lifted_by="eve"))])
            return await super().write(changes)

    async def run():
        book, clock = Busy(), ManualClock(NOW)
        await MemoryBook.write(book, [Put(switch("free"))])
        register = Register(book, KeyLookup(book, clock, most_keys=9, stale_s=60), clock, directory)
        answer = await Switchboard(register, clock, list).on("free", "bob")
        assert says(answer, "not switched off", reason=reasons.UNKNOWN_ROUTE)

    asyncio.run(run())


def test_running_are_those_in_force_in_a_fixed_order():
    rows = [switch("z"), switch("a"), switch("over", until_ms=NOW), switch("lifted", lifted_by="bob")]
    assert [one.policy for one in running(rows, NOW)] == ["a", "z"]
    assert running(rows[:1], NOW) == (Switch("z", "why", "ada", NOW, NOW + 60_000),)


@pytest.mark.parametrize(
    ("name", "policy", "at", "covered"),
    [
        ("free", "free", NOW, True),
        ("free", "freed", NOW, False),
        ("all", "anything", NOW, True),
        ("all", "anything", NOW + 59_999, True),
        ("all", "anything", NOW + 60_000, False),
        ("free", "free", 0, True),
    ],
)
def test_a_switch_covers_its_policy_until_its_end(name, policy, at, covered):
    """Also before its beginning, which is by the clock of another machine."""
    assert Switch(name, "why", "ada", NOW, NOW + 60_000).covers(policy, at) is covered
