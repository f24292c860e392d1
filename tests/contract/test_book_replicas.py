"""Two processes' worth of accounts over one Redis: what one writes, the other hears of at its next poll."""

import asyncio

import pytest

from gateway.accounts import Accounts
from gateway.core.clock import SystemClock
from gateway.core.redis_target import parse
from gateway.core.refusal import Refusal
from gateway.identity.directory import Directory
from gateway.identity.entries import moment_text
from gateway.identity.keys import Pepper
from gateway.policy.switches import Switchboard
from gateway.stores.book.redis import RedisBook
from tests.support.people import PEPPER
from tests.support.redis_server import PATIENT, redis_cluster, redis_server

pytestmark = pytest.mark.redis


@pytest.fixture(scope="module", params=["redis", "redis+cluster"])
def url(request):
    if request.param == "redis":
        with redis_server() as server:
            yield server.url
    else:
        with redis_cluster() as servers:
            yield f"redis+cluster://127.0.0.1:{servers[0].port}"


def scene(url, body) -> None:
    """Run `body(here, there)`."""

    async def run():
        pair = [
            Accounts(RedisBook(parse(url), PATIENT), SystemClock(), lambda: empty, most_keys=100, stale_s=60)
            for _ in range(2)
        ]
        empty = Directory.of({}, {}, PEPPER)
        for one in pair:
            one.configure([Pepper("p1", PEPPER)])
            await one.start()
        try:
            await body(*pair)
        finally:
            for one in pair:
                await one.close()

    asyncio.run(run())


def test_a_change_here_is_heard_there(url):
    async def body(here, there):
        assert not isinstance(await here.register.put_account("acme", {"tier": "free", "org": "globex"}), Refusal)
        _, key = await here.keys.create("acme", {})
        assert not (await there.lookup.find(key.id)).revoked
        await here.register.put_org("globex", {"suspended": True})
        await there.lookup.poll()
        assert there.lookup.cached(key.id) is None
        assert (await there.lookup.find(key.id)).principal.account.suspended
        await there.keys.revoke(key.id)
        assert (await there.lookup.find(key.id)).revoked
        await here.lookup.poll()
        assert (await here.lookup.find(key.id)).revoked

    scene(url, body)


def test_standings_and_switches_are_heard_there(url):
    until = {"reason": "case 71", "until": moment_text(SystemClock().now_ms() + 60_000)}

    async def body(here, there):
        await here.register.put_account("carol", {"tier": "free"})
        assert not isinstance(await here.rulings.put("carol", {"standing": "limited", **until}, "ada"), Refusal)
        board = Switchboard(here.register, SystemClock(), lambda: ["free"])
        assert not isinstance(await board.off("free", until, "ada"), Refusal)
        await there.lookup.poll()
        assert there.standings.standing("carol", SystemClock().now_ms()) == "limited"
        assert [one.policy for one in there.switches] == ["free"]
        other = Switchboard(there.register, SystemClock(), list)
        assert (await other.on("free", "bob")).lifted_by == "bob"
        await there.rulings.put("carol", {"standing": "clear", "reason": "case 71 closed"}, "bob")
        await here.lookup.poll()
        assert here.switches == ()
        assert here.standings.standing("carol", SystemClock().now_ms()) == "clear"
        assert [one.by for one in (await here.rulings.show("carol")).before] == ["ada"]

    scene(url, body)


def test_a_process_that_starts_later_knows_them_too(url):
    async def body(here, _there):
        await here.register.put_account("dave", {"tier": "free"})
        until = moment_text(SystemClock().now_ms() + 60_000)
        await here.rulings.put("dave", {"standing": "blocked", "reason": "case 72", "until": until}, "ada")
        await Switchboard(here.register, SystemClock(), list).off("all", {"reason": "case 73", "until": until}, "ada")
        late = Accounts(
            RedisBook(parse(url), PATIENT), SystemClock(), lambda: Directory.of({}, {}, PEPPER), most_keys=9, stale_s=60
        )
        await late.start()
        try:
            assert late.standings.standing("dave", SystemClock().now_ms()) == "blocked"
            assert [(one.policy, one.by, one.reason) for one in late.switches] == [("all", "ada", "case 73")]
            assert late.by_standing()["blocked"] >= 1
        finally:
            await late.close()
        await Switchboard(here.register, SystemClock(), list).on("all", "ada")

    scene(url, body)


def test_it_is_heard_without_asking(url):
    async def body(here, there):
        await here.register.put_account("ada", {"tier": "free"})
        _, key = await here.keys.create("ada", {})
        await there.lookup.find(key.id)
        await here.keys.revoke(key.id)
        async with asyncio.timeout(20):
            while there.lookup.cached(key.id) is not None:
                await asyncio.sleep(0.01)
        assert (await there.lookup.find(key.id)).revoked

    scene(url, body)


def test_both_change_one_account_and_neither_is_lost(url):
    async def body(here, there):
        await here.register.put_account("bob", {"tier": "free"})
        changes = [{"country": "DE"}, {"verified": True}, {"declared_purpose": "prose"}, {"suspended": True}]
        sides = [here, there, here, there]
        pairs = zip(sides, changes, strict=True)
        await asyncio.gather(*(side.register.patch_account("bob", change) for side, change in pairs))
        account = (await here.register.account("bob")).account
        assert (account.country, account.verified, account.declared_purpose, account.suspended) == (
            "DE", True, "prose", True,
        )  # fmt: skip

    scene(url, body)
