"""What every book of accounts promises, one body for all of them."""

import asyncio
import sqlite3
import stat
from dataclasses import replace

import pytest

from gateway.core.account import Account
from gateway.stores.base import StoreUnavailable
from gateway.stores.book.base import (
    LOG_LENGTH,
    MAX_BATCH,
    RULINGS,
    BookConflict,
    Counts,
    Drop,
    Found,
    Kind,
    Put,
    StoredAccount,
    StoredOrg,
    StoredStanding,
)
from tests.support.books import account, open_again, ruling, stored_key, switch, with_book
from tests.support.redis_server import redis_cluster, redis_server

ACME = (Kind.ACCOUNT, "acme")
K1, K2 = (Kind.KEY, "k10000000000"), (Kind.KEY, "k20000000000")
PERSON = Account(
    "acme", "globex", "developer", "DE", True, "writing – prose", frozenset({"b", "a"}), True, 17, "FR", 18
)  # fmt: skip
ACME_STANDING, ALL_OFF = (Kind.STANDING, "acme"), (Kind.SWITCH, "all")


@pytest.fixture(scope="module")
def one_redis():
    with redis_server() as server:
        yield [server]


@pytest.fixture(scope="module")
def three_redis():
    with redis_cluster() as servers:
        yield servers


@pytest.fixture(params=[
    "memory", "sqlite", pytest.param("redis", marks=pytest.mark.redis), pytest.param("cluster", marks=pytest.mark.redis)
])  # fmt: skip
def make(request, tmp_path):
    if request.param in ("memory", "sqlite"):
        return open_again(request.param, tmp_path)
    servers = request.getfixturevalue("one_redis" if request.param == "redis" else "three_redis")
    for server in servers:
        server.say("FLUSHALL")
    scheme = "redis" if request.param == "redis" else "redis+cluster"
    return open_again("redis", tmp_path, f"{scheme}://127.0.0.1:{servers[-1].port}")


def test_what_is_written_is_found_again(make):
    stored = stored_key(label="löp", expires_ms=0, created_ms=5)

    async def write(book):
        await book.write([Put(StoredAccount(PERSON)), Put(stored), Put(StoredOrg("globex", suspended=True))])

    async def read(book):
        found = await book.find(stored.id)
        assert (found.account, found.org_suspended) == (PERSON, True)
        assert replace(found.key, version=0) == stored
        assert found.key.version == found.revision > 0
        assert await book.find("nobody000000") == Found(found.revision)
        assert await book.get([ACME, K1, K2, (Kind.ORG, "globex")]) == {
            ACME: StoredAccount(PERSON, found.revision),
            K1: found.key,
            (Kind.ORG, "globex"): StoredOrg("globex", True, found.revision),
        }

    with_book(make, write)
    with_book(make, read)


def test_a_write_is_all_or_nothing(make):
    async def body(book):
        with pytest.raises(BookConflict, match="no account 'globex'"):
            await book.write([Put(account()), Put(stored_key(of="globex"))])
        assert await book.get([ACME]) == {}
        assert (await book.changes(0)).revision == 0

    with_book(make, body)


def test_two_writers_do_not_overwrite_each_other(make):
    async def body(book):
        first = await book.write([Put(account(), expected=0)])
        with pytest.raises(BookConflict, match="expected none of this name, found version"):
            await book.write([Put(account(tier="paid"), expected=0)])
        second = await book.write([Put(account(tier="paid"), expected=first.revision)])
        with pytest.raises(BookConflict, match=f"expected version {first.revision}, found version {second.revision}"):
            await book.write([Put(account(tier="trial"), expected=first.revision)])
        with pytest.raises(BookConflict, match="there is none"):
            await book.write([Put(account("other"), expected=1)])
        assert (await book.get([ACME]))[ACME].account.tier == "paid"

    with_book(make, body)


def test_many_writers_at_once_are_put_in_a_row(make):
    async def body(book):
        await book.write([Put(account())])

        async def add_tag(tag):
            while True:
                old = (await book.get([ACME]))[ACME]
                person = replace(old.account, tags=old.account.tags | {tag})
                try:
                    return await book.write([Put(StoredAccount(person), expected=old.version)])
                except BookConflict:
                    continue

        await asyncio.gather(*(add_tag(f"t{number}") for number in range(8)))
        assert len((await book.get([ACME]))[ACME].account.tags) == 8

    with_book(make, body)


def test_writing_the_same_again_changes_nothing(make):
    batch = [Put(account(created_ms=7)), Put(stored_key()), Put(stored_key("k2"))]

    async def body(book):
        first = await book.write(batch)
        assert first.changed == 3
        again = await book.write(batch)
        assert again == replace(first, changed=0)
        more = await book.write([*batch, Put(stored_key("k3"))])
        assert (more.changed, more.revision > first.revision) == (1, True)

    with_book(make, body)


def test_a_date_of_birth_stays_when_none_is_given(make):
    async def body(book):
        await book.write([Put(account(created_ms=7)), Put(stored_key(created_ms=8))])
        await book.write([Put(account(tier="paid")), Put(stored_key(label="new", created_ms=9))])
        found = await book.find(K1[1])
        assert (found.account.created_ms, found.account.tier) == (7, "paid")
        assert (found.key.created_ms, found.key.label) == (8, "new")

    with_book(make, body)


def test_a_revoked_key_stays_revoked_and_a_secret_stays_the_same(make):
    async def body(book):
        await book.write([Put(account()), Put(account("globex")), Put(stored_key(revoked=True))])
        await book.write([Put(stored_key(label="back?"))])
        found = (await book.find(K1[1])).key
        assert (found.revoked, found.label) == (True, "back?")
        for other in (stored_key(secret="T" * 27), stored_key(of="globex"), stored_key(pepper="p2")):
            with pytest.raises(BookConflict, match="exists with another secret or for another account"):
                await book.write([Put(other)])

    with_book(make, body)


def test_an_account_with_keys_stays(make):
    async def body(book):
        await book.write([Put(account()), Put(account("acme2")), Put(stored_key())])
        with pytest.raises(BookConflict, match="still has keys"):
            await book.write([Drop(ACME)])
        await book.write([Drop(K1), Drop((Kind.ACCOUNT, "acme2"))])
        await book.write([Drop(ACME), Drop(K2)])
        assert await book.accounts("", 10) == []
        assert (await book.find(K1[1])).key is None

    with_book(make, body)


def test_an_account_that_gets_a_key_in_the_same_write_stays(make):
    async def body(book):
        await book.write([Put(account())])
        with pytest.raises(BookConflict, match="still has keys"):
            await book.write([Put(stored_key()), Drop(ACME)])

    with_book(make, body)


def test_pages_follow_each_other(make):
    names = [f"a{number}" for number in range(7)]

    async def body(book):
        await book.write([Put(account(name)) for name in reversed(names)])
        await book.write([Put(stored_key(f"k{number}", of="a1")) for number in range(5)])
        seen, after = [], ""
        while page := await book.accounts(after, 3):
            assert len(page) <= 3
            seen += [one.account.id for one in page]
            after = seen[-1]
        assert seen == names
        first = await book.keys("a1", "", 2)
        rest = await book.keys("a1", first[-1].id, 100)
        assert [key.id[:2] for key in (*first, *rest)] == ["k0", "k1", "k2", "k3", "k4"]
        assert await book.keys("a2", "", 10) == await book.keys("nobody", "", 10) == []

    with_book(make, body)


def test_keys_of_accounts_with_similar_names_are_kept_apart(make):
    names = ["a", "a-b", "a/b", "a:b", "ab", "a@b"]

    async def body(book):
        await book.write([Put(account(name)) for name in names])
        await book.write([Put(stored_key(f"k{at}", of=name)) for at, name in enumerate(names)])
        for at, name in enumerate(names):
            assert [key.id for key in await book.keys(name, "", 10)] == [f"k{at:0<11}"]

    with_book(make, body)


def test_the_largest_batch_is_written_whatever_it_refers_to(make):
    names = [f"a{number}" for number in range(MAX_BATCH)]

    async def body(book):
        assert (await book.write([Put(account(name)) for name in names])).changed == MAX_BATCH
        keys = [Put(stored_key(f"{number:012}", of=name)) for number, name in enumerate(names)]
        assert (await book.write(keys)).changed == MAX_BATCH
        assert (await book.find(f"{MAX_BATCH - 1:012}")).account.id == names[-1]
        assert len(await book.accounts("", MAX_BATCH)) == MAX_BATCH
        assert (await book.write([Drop(key.ref) for key in keys])).changed == MAX_BATCH
        assert (await book.write([Drop((Kind.ACCOUNT, name)) for name in names])).changed == MAX_BATCH

    with_book(make, body)


def test_changes_name_what_was_changed_and_not_what_is_new(make):
    async def body(book):
        first = await book.write([Put(account()), Put(stored_key()), Put(stored_key("k2"))])
        assert (await book.changes(first.revision)).refs == frozenset()
        second = await book.write([Put(stored_key(revoked=True)), Put(account("globex"))])
        third = await book.write([Put(StoredOrg("globex", suspended=True)), Drop(K2)])
        await book.write([Put(StoredOrg("globex"))])
        since_first = await book.changes(first.revision)
        assert since_first.refs == {K1, K2, (Kind.ORG, "globex")}
        assert (await book.changes(second.revision)).refs == {K2, (Kind.ORG, "globex")}
        assert (await book.changes(third.revision)).refs == {(Kind.ORG, "globex")}
        assert first.revision < second.revision < third.revision < since_first.revision

    with_book(make, body)


def test_a_first_org_row_is_news_to_those_who_know_its_accounts(make):
    async def body(book):
        first = await book.write([Put(account(org="globex")), Put(stored_key())])
        await book.write([Put(StoredOrg("globex", suspended=True))])
        assert (await book.changes(first.revision)).refs == {(Kind.ORG, "globex")}

    with_book(make, body)


def test_a_standing_keeps_what_came_before_whatever_its_writer_says(make):
    first, second, third = ruling("watched", since_ms=1), ruling("blocked", since_ms=2, reason="löp"), ruling("clear")

    async def write(book):
        await book.write([Put(StoredStanding("acme", first))])
        await book.write([Put(StoredStanding("acme", second, before=(ruling("clear", since_ms=9),)))])
        await book.write([Put(StoredStanding("acme", third))])

    async def read(book):
        [row] = await book.rows(Kind.STANDING, "", 10)
        assert (row.ruling, row.before) == (third, (second, first))
        assert await book.get([ACME_STANDING]) == {ACME_STANDING: row}
        again = await book.write([Put(StoredStanding("acme", third))])
        assert (again.changed, (await book.get([ACME_STANDING]))[ACME_STANDING]) == (0, row)
        with pytest.raises(ValueError, match="never dropped"):
            await book.write([Drop(ACME_STANDING)])
        for number in range(RULINGS + 5):
            await book.write([Put(StoredStanding("acme", ruling("watched", since_ms=number)))])
        [row] = await book.rows(Kind.STANDING, "", 10)
        assert [one.since_ms for one in (row.ruling, *row.before)] == list(range(RULINGS + 4, 4, -1))

    with_book(make, write)
    with_book(make, read)


def test_two_people_rule_at_once_and_both_are_on_record(make):
    async def body(book):
        rulings = [ruling("limited", since_ms=number) for number in range(6)]
        await asyncio.gather(*(book.write([Put(StoredStanding("acme", one))]) for one in rulings))
        row = (await book.get([ACME_STANDING]))[ACME_STANDING]
        assert sorted(one.since_ms for one in (row.ruling, *row.before)) == list(range(6))

    with_book(make, body)


def test_a_standing_outlives_its_account(make):
    async def body(book):
        await book.write([Put(account()), Put(StoredStanding("acme", ruling("blocked")))])
        await book.write([Drop(ACME)])
        await book.write([Put(account())])
        assert (await book.get([ACME_STANDING]))[ACME_STANDING].ruling.standing == "blocked"

    with_book(make, body)


def test_a_switch_survives_a_restart_and_can_be_taken_away(make):
    lifted = switch("free", lifted_by="bob", reason="“no”")

    async def write(book):
        await book.write([Put(switch()), Put(lifted)])

    async def read(book):
        rows = await book.rows(Kind.SWITCH, "", 10)
        assert [replace(row, version=0) for row in rows] == [switch(), lifted]
        assert rows[0].version == rows[1].version > 0
        with pytest.raises(BookConflict, match="expected version"):
            await book.write([Drop(ALL_OFF, expected=rows[0].version + 1)])
        await book.write([Drop(ALL_OFF)])
        assert await book.rows(Kind.SWITCH, "", 10) == rows[1:]

    with_book(make, write)
    with_book(make, read)


def test_new_standings_and_switches_are_news(make):
    async def body(book):
        first = await book.write([Put(account())])
        second = await book.write([Put(switch()), Put(StoredStanding("nobody", ruling("watched")))])
        assert (await book.changes(first.revision)).refs == {ALL_OFF, (Kind.STANDING, "nobody")}
        await book.write([Drop(ALL_OFF)])
        assert (await book.changes(second.revision)).refs == {ALL_OFF}

    with_book(make, body)


def test_standings_come_in_pages_and_apart_from_the_rest(make):
    names = ["a", "a/b", "a b".replace(" ", "@"), "b"]

    async def body(book):
        await book.write([Put(account("a")), Put(switch("a"))])
        await book.write([Put(StoredStanding(name, ruling("watched"))) for name in reversed(names)])
        seen, after = [], ""
        while page := await book.rows(Kind.STANDING, after, 3):
            seen += [row.account for row in page]
            after = seen[-1]
        assert seen == sorted(names)
        assert [one.account.id for one in await book.accounts("", 10)] == ["a"]
        for kind in (Kind.ACCOUNT, Kind.KEY, Kind.ORG):
            with pytest.raises(ValueError, match=f"expected one of standing, switch, found {kind}"):
                await book.rows(kind, "", 10)

    with_book(make, body)


def test_accounts_are_counted(make):
    async def body(book):
        assert await book.count() == Counts(0, 0)
        await book.write([Put(account("a")), Put(account("b", suspended=True)), Put(account("c", suspended=True))])
        assert await book.count() == Counts(3, 2)
        await book.write([Put(account("b")), Put(account("a", tier="paid")), Put(stored_key(of="a"))])
        assert await book.count() == Counts(3, 1)
        with pytest.raises(BookConflict):
            await book.write([Put(account("d")), Put(stored_key("k9", of="globex"))])
        await book.write([Drop((Kind.ACCOUNT, "c")), Drop((Kind.ACCOUNT, "nobody"))])
        await book.write([Put(account("a", suspended=True, declared_purpose='","suspended":true'))])
        await book.write([Put(account("b", declared_purpose='","suspended":true'))])

    async def after(book):
        assert await book.count() == Counts(2, 1)

    with_book(make, body)
    with_book(make, after)


def test_what_is_unknown_of_the_past_is_said(make):
    async def body(book):
        first = await book.write([Put(account())])
        assert (await book.changes(first.revision + 1)).refs is None
        assert (await book.changes(-1)).refs is None

    with_book(make, body)


def test_the_log_of_changes_is_bounded(make):
    ids = [f"a{number}" for number in range(LOG_LENGTH + 1)]
    batches = [ids[at : at + MAX_BATCH] for at in range(0, len(ids), MAX_BATCH)]

    async def body(book):
        for batch in batches:
            start = await book.write([Put(account(name)) for name in batch])
        seen = [await book.write([Put(account(name, tier="paid")) for name in batch]) for batch in batches]
        assert (await book.changes(start.revision)).refs is None
        assert len((await book.changes(seen[-2].revision)).refs) == 1
        kept = (await book.changes(seen[0].revision)).refs
        assert kept is not None
        assert len(kept) == LOG_LENGTH + 1 - MAX_BATCH

    with_book(make, body)


def test_what_no_caller_should_ask_is_refused(make):
    async def body(book):
        many = [(Kind.KEY, str(number)) for number in range(MAX_BATCH + 1)]
        for asked in (
            lambda: book.get(many), lambda: book.accounts("", MAX_BATCH + 1), lambda: book.keys("a", "", MAX_BATCH + 1),
            lambda: book.rows(Kind.SWITCH, "", MAX_BATCH + 1), lambda: book.write([Drop(ref) for ref in many]),
        ):  # fmt: skip
            with pytest.raises(ValueError, match=f"at most {MAX_BATCH}"):
                await asked()
        with pytest.raises(ValueError, match="one change of a row"):
            await book.write([Put(account()), Drop(ACME)])

    with_book(make, body)


@pytest.mark.redis
def test_a_redis_that_is_gone_is_unavailable_and_forgives(tmp_path):
    async def body(book):
        await book.write([Put(account())])
        server.kill()
        for asked in (book.find("x"), book.write([Put(account("b"))]), book.changes(0), book.accounts("", 1)):
            with pytest.raises(StoreUnavailable):
                await asked

    with redis_server() as server:
        with_book(open_again("redis", tmp_path, server.url), body)


@pytest.mark.redis
def test_scripts_that_redis_forgot_are_no_trouble(one_redis, tmp_path):
    async def body(book):
        one_redis[0].say("SCRIPT", "FLUSH")
        assert (await book.find("x")).key is None

    with_book(open_again("redis", tmp_path, one_redis[0].url), body)


@pytest.mark.redis
def test_kinds_of_a_newer_gateway_are_no_trouble(one_redis, tmp_path):
    async def body(book):
        first = await book.write([Put(account())])
        await book.write([Put(account(tier="paid"))])
        one_redis[0].say("ZADD", "{gwa1}:changes", str(first.revision + 1), "99 something")
        assert (await book.changes(first.revision)).refs == {ACME}

    one_redis[0].say("FLUSHALL")
    with_book(open_again("redis", tmp_path, one_redis[0].url), body)


@pytest.mark.redis
def test_another_format_in_redis_is_refused(one_redis, tmp_path):
    server = one_redis[0]
    server.say("FLUSHALL")
    server.say("HSET", "{gwa1}:meta", "format", "9")
    with pytest.raises(StoreUnavailable, match="format 9, this version reads format 1"):
        with_book(open_again("redis", tmp_path, server.url), None)
    server.say("FLUSHALL")


def test_another_format_on_disk_is_refused(tmp_path):
    make = open_again("sqlite", tmp_path)

    async def write(book):
        await book.write([Put(account())])

    with_book(make, write)
    with sqlite3.connect(tmp_path / "usage.db.accounts") as connection:
        connection.execute("UPDATE meta SET value = '9' WHERE name = 'format'")
    connection.close()
    with pytest.raises(StoreUnavailable, match=r"accounts database .*: it has format 9, this version reads format 1"):
        with_book(make, None)


def test_a_file_from_before_accounts_were_counted_is_counted_once(tmp_path):
    make = open_again("sqlite", tmp_path)

    async def write(book):
        await book.write([Put(account("a")), Put(account("b", suspended=True))])

    async def read(book):
        assert await book.count() == Counts(2, 1)

    with_book(make, write)
    with sqlite3.connect(tmp_path / "usage.db.accounts") as connection:
        connection.execute("DELETE FROM meta WHERE name IN ('accounts', 'suspended')")
    connection.close()
    with_book(make, read)


def test_a_file_has_one_owner(tmp_path):
    make = open_again("sqlite", tmp_path)

    async def body(_book):
        with pytest.raises(StoreUnavailable, match="another process owns it"):
            await make().open()

    with_book(make, body)
    with pytest.raises(StoreUnavailable, match=r"the directory .* does not exist"):
        with_book(open_again("sqlite", tmp_path / "absent"), None)


def test_a_closed_book_is_unavailable(tmp_path):
    async def body():
        book = open_again("sqlite", tmp_path)()
        with pytest.raises(StoreUnavailable, match="closed"):
            await book.find("x")
        await book.open()
        await book.close()
        await book.close()
        with pytest.raises(StoreUnavailable, match="closed"):
            await book.find("x")

    asyncio.run(body())


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    make = open_again("sqlite", tmp_path)

    async def body(book):
        first = await book.write([Put(account())])
        connection = book._file._connection
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON change BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        with pytest.raises(StoreUnavailable, match="SQLite says"):
            await book.write([Put(account(tier="paid"))])
        connection.execute("DROP TRIGGER full")
        assert (await book.get([ACME]))[ACME].account.tier == "free"
        assert (await book.changes(first.revision)).refs == frozenset()
        assert (await book.write([Put(account(tier="paid"))])).changed == 1

    with_book(make, body)


def test_a_copy_of_the_file_is_a_book(tmp_path):
    make = open_again("sqlite", tmp_path)
    (tmp_path / "copy").mkdir()
    copy = tmp_path / "copy" / "usage.db.accounts"

    async def write(book):
        await book.write([Put(account()), Put(stored_key())])
        await book.backup(copy)
        await book.write([Put(stored_key(revoked=True))])

    async def read(book):
        assert not (await book.find(K1[1])).key.revoked

    with_book(make, write)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with_book(open_again("sqlite", tmp_path / "copy"), read)


def test_what_has_no_file_cannot_be_copied(make, tmp_path):
    async def body(book):
        if book.name == "sqlite":
            with pytest.raises(StoreUnavailable, match="No such file"):
                await book.backup(tmp_path / "absent" / "copy")
            return
        with pytest.raises(StoreUnavailable, match="accounts in"):
            await book.backup(tmp_path / "copy")

    with_book(make, body)
