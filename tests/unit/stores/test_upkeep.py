"""Copies put in place and old formats brought up to date, and what happens when that must not be."""

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from gateway.cli.main import main
from gateway.core.account import Account
from gateway.core.clock import ManualClock
from gateway.core.units import Unit, prompt_amount
from gateway.engine.spec import BudgetSpec, DistinctSpec, Period
from gateway.stores import upkeep
from gateway.stores.base import StoreUnavailable
from gateway.stores.book.base import Put, StoredAccount
from gateway.stores.book.sqlite import SqliteBook
from gateway.stores.journal import FORMAT
from gateway.stores.sqlite import SqliteStore
from gateway.stores.upkeep import format_of, migrate, restore_copy

MONEY = BudgetSpec("acme|usd", Unit.USD, 10_000, Period.DAY)


def on(path, body):
    async def run():
        store = SqliteStore(path, ManualClock())
        await store.open()
        try:
            return await body(store)
        finally:
            await store.close()

    return asyncio.run(run())


async def spend(store):
    await store.reserve("a", (MONEY,), {Unit.USD: 100}, {}, 10**9)
    store.settle("a", {Unit.USD: 30})
    await store.reserve("open", (MONEY,), {Unit.USD: 1000}, {}, 10**9)


async def state(store):
    return (await store.peek((MONEY,)))[0].remaining, (await store.verify()).mismatches


def as_format_1(path):
    with closing(sqlite3.connect(path)) as raw, raw:
        for table in ("novelty", "prompt", "entry", "checkpoint"):
            raw.execute(f"DROP TABLE {table}")
        raw.execute("UPDATE meta SET value = '1' WHERE name = 'format'")


def as_format_2(path):
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("ALTER TABLE prompt DROP COLUMN paid")
        raw.execute("UPDATE meta SET value = '2' WHERE name = 'format'")
        for name, text in raw.execute("SELECT id, holds FROM reservation").fetchall():
            former = json.dumps([hold[:3] for hold in json.loads(text)])
            raw.execute("UPDATE reservation SET holds = ? WHERE id = ?", (former, name))


@pytest.fixture
def used(tmp_path):
    path = tmp_path / "usage.sqlite"
    on(path, spend)
    return path


@pytest.fixture
def config(used):
    """Settings whose store is `used`."""
    file = used.with_name("gateway.yaml")
    upstream = "main: {kind: vllm, base_url: 'http://127.0.0.1:1/v1', dialects: [chat]}"
    file.write_text(f"store: sqlite:{used.name}\nupstreams:\n  {upstream}\n")
    return str(file)


@pytest.mark.parametrize(("former", "make"), [("1", as_format_1), ("2", as_format_2)])
def test_an_older_format_does_not_open_says_how_and_is_migrated(used, config, capsys, former, make):
    make(used)
    hint = f"it has format {former}, this version reads format {FORMAT}; gateway migrate"
    with pytest.raises(StoreUnavailable, match=hint):
        on(used, state)
    assert main(["migrate", "--config", config]) == 0
    assert f"format {former} became {FORMAT}" in capsys.readouterr().out
    assert on(used, state) == (8970, ())
    assert format_of(used.with_name(f"usage.sqlite.format-{former}")) == former
    assert main(["migrate", "--config", config]) == 0
    assert "already" in capsys.readouterr().out


def test_a_prompt_of_format_2_stays_remembered_and_its_output_counts_once_more(used):
    prompts = DistinctSpec("acme|prompts", Unit.DISTINCT_PROMPTS, 2, 3600)
    output = DistinctSpec("acme|unique", Unit.UNIQUE_OUTPUT_TOKENS, 100, 3600)

    def asks(prompt, tokens):
        return {Unit.DISTINCT_PROMPTS: prompt_amount(prompt), Unit.UNIQUE_OUTPUT_TOKENS: prompt_amount(prompt, tokens)}

    async def before(store):
        await store.reserve("1", (prompts, output), asks(1, 30), {}, 9000)
        store.settle("1", asks(1, 30))
        await store.reserve("2", (prompts, output), asks(2, 20), {}, 9000)

    async def after(store):
        store.settle("2", asks(2, 0))
        assert [one.remaining for one in await store.peek((prompts, output))] == [0, 50], "what was held stays"
        assert (await store.reserve("3", (prompts, output), asks(1, 30), {}, 9000)).granted
        store.settle("3", asks(1, 30))
        assert (await store.reserve("4", (prompts, output), asks(1, 30), {}, 9000)).readings[1].remaining == 20

    on(used, before)
    as_format_2(used)
    assert migrate(used) == "2"
    on(used, after)


def test_a_newer_format_is_left_alone(used):
    with closing(sqlite3.connect(used)) as raw, raw:
        raw.execute("UPDATE meta SET value = '9' WHERE name = 'format'")
    with pytest.raises(StoreUnavailable, match=f"it has format 9, this version reads up to {FORMAT}"):
        migrate(used)
    assert format_of(used) == "9"


def test_a_copy_takes_the_place_of_what_was_used_since(used, config, capsys):
    copy = used.with_name("copy.sqlite")
    shutil.copy(used, copy)
    on(used, lambda store: store.reserve("b", (MONEY,), {Unit.USD: 5000}, {}, 10**9))
    used.with_name("usage.sqlite-wal").write_bytes(b"of another life")
    assert main(["restore", str(copy), "--config", config]) == 0
    assert "restored from" in capsys.readouterr().out
    assert on(used, state) == (8970, ())


@pytest.mark.parametrize("there", [True, False])
def test_what_root_restores_belongs_to_the_user_of_the_gateway(used, there, monkeypatch):
    copy = used.with_name("copy.sqlite")
    shutil.copy(used, copy)
    if not there:
        used.unlink()
    given = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda *to: given.append(to))
    owner = used.parent.stat()
    restore_copy(copy, used)
    assert given == [(used.with_name("usage.sqlite.restoring"), owner.st_uid, owner.st_gid)]


def test_a_copy_that_cannot_be_written_is_named_so(used, monkeypatch):
    copy = used.with_name("copy.sqlite")
    copy.write_bytes(b"x" * 8192)
    monkeypatch.setattr(os, "access", lambda path, _mode: path != copy)
    with pytest.raises(StoreUnavailable, match=r"copy.sqlite: this user must be able to write to it and to its folder"):
        restore_copy(copy, used)


@pytest.mark.parametrize("verb", [["migrate"], ["restore", "usage.sqlite"]])
def test_nothing_is_done_under_a_running_gateway(used, config, capsys, monkeypatch, verb):
    monkeypatch.chdir(used.parent)

    async def running(_store):
        assert main([*verb, "--config", config]) == 1

    on(used, running)
    assert "a gateway runs on it" in capsys.readouterr().err
    assert on(used, state) == (8970, ())


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda copy: copy.write_bytes(b"x" * 8192), "SQLite says"),
        (lambda copy: copy.write_bytes(copy.read_bytes()[:-5000]), "damaged|SQLite says|malformed|not a usage"),
        (lambda copy: copy.unlink(), "no such file"),
        (as_format_1, "it has format 1: migrate it first"),
        (lambda copy: (copy.unlink(), sqlite3.connect(copy).close(), copy.touch()), "not a usage database"),
    ],
)
def test_a_copy_of_no_use_changes_nothing(used, spoil, says):
    copy = used.with_name("copy.sqlite")
    shutil.copy(used, copy)
    spoil(copy)
    with pytest.raises(StoreUnavailable, match=says):
        restore_copy(copy, used)
    assert on(used, state) == (8970, ())


def test_a_copy_takes_the_place_of_what_is_damaged(used):
    copy = used.with_name("copy.sqlite")
    shutil.copy(used, copy)
    used.write_bytes(b"x" * 8192)
    restore_copy(copy, used)
    assert on(used, state) == (8970, ())


def test_a_refused_restore_leaves_nothing_behind(used):
    copy = used.with_name("copy.sqlite")
    shutil.copy(used, copy)

    async def running(_store):
        with pytest.raises(StoreUnavailable, match="a gateway runs on it"):
            restore_copy(copy, used)

    on(used, running)
    assert not used.with_name("usage.sqlite.restoring").exists()


WRITER = """
import sqlite3, sys
raw = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
raw.execute("PRAGMA locking_mode=EXCLUSIVE")
raw.execute("BEGIN IMMEDIATE")
"""


def test_nobody_gets_hold_of_a_database_that_is_being_migrated(used, monkeypatch):
    as_format_1(used)
    step = upkeep._STEPS["1"]

    def intruded(connection):
        intruder = subprocess.run(
            [sys.executable, "-c", WRITER, str(used)], capture_output=True, text=True, check=False
        )
        assert "database is locked" in intruder.stderr
        step(connection)

    monkeypatch.setitem(upkeep._STEPS, "1", intruded)
    assert migrate(used) == "1"
    assert on(used, state) == (8970, ())


def test_a_migration_that_fails_says_so_and_changes_nothing(used, monkeypatch):
    as_format_1(used)
    monkeypatch.setitem(upkeep._STEPS, "1", lambda connection: connection.execute("CREATE TABLE meta (x)"))
    with pytest.raises(StoreUnavailable, match="it cannot be migrated: table meta already exists"):
        migrate(used)
    assert format_of(used) == "1"
    monkeypatch.undo()
    assert migrate(used) == "1"
    assert on(used, state) == (8970, ())


@pytest.mark.parametrize("verb", [["migrate"], ["restore", "copy.sqlite"]])
def test_settings_without_a_database_are_wrong_usage(tmp_path, capsys, verb):
    assert main([*verb, "--config", str(tmp_path / "absent.yaml")]) == 2
    file = tmp_path / "gateway.yaml"
    upstream = "main: {kind: vllm, base_url: 'http://127.0.0.1:1/v1', dialects: [chat]}"
    file.write_text("store: 'memory:'\nupstreams:\n  " + upstream + "\n")
    assert main([*verb, "--config", str(file)]) == 2
    assert "expected sqlite:PATH" in capsys.readouterr().err
    file.write_text("store: 7\n")
    assert main([*verb, "--config", str(file)]) == 1


def test_a_copy_of_the_accounts_goes_beside_the_usage(used, config, capsys):
    async def with_accounts(account):
        book = SqliteBook(used.with_name("usage.sqlite.accounts"))
        await book.open()
        if account:
            await book.write([Put(StoredAccount(Account(account, account, "free")), None)])
        found = await book.accounts("", 10)
        if account == "ada":
            await book.backup(used.with_name("accounts.copy"))
        await book.close()
        return [one.account.id for one in found]

    asyncio.run(with_accounts("ada"))
    assert asyncio.run(with_accounts("eve")) == ["ada", "eve"]
    assert main(["restore", str(used.with_name("accounts.copy")), "--config", config]) == 0
    assert "usage.sqlite.accounts: restored from" in capsys.readouterr().out
    assert asyncio.run(with_accounts("")) == ["ada"]
    assert on(used, state) == (8970, ())
