"""What operators ask of the store of a running gateway: where an account stands, is the ledger right, a copy of it."""

import json
import sqlite3
from contextlib import closing

import pytest

from gateway.cli.main import main
from tests.support.running import running
from tests.support.talking import ask, policy

LIMITS = "r: {unit: requests, per: account, amount: 20, window: 1m}, slots: {unit: concurrent, per: account, amount: 2}"
BUDGETS = "usd: {unit: usd, per: org, amount: 1, period: month}"


@pytest.fixture
def gateway(tmp_path, monkeypatch):
    settings = {"store": f"sqlite:{tmp_path / 'usage.sqlite'}"}
    with running(tmp_path, policies=policy(LIMITS, BUDGETS), settings=settings) as gateway:
        monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", gateway.admin_token)
        for _ in range(3):
            assert ask(gateway, max_tokens=20).status == 200
        gateway.settled()
        yield gateway


def verb(gateway, *words):
    return main([*words, "--admin-url", f"http://127.0.0.1:{gateway.gateway.admin_port}"])


def test_usage_shows_each_limit_and_what_is_left(gateway, capsys):
    assert verb(gateway, "usage", "acme") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("acme, tier ")
    assert lines[1].split() == ["limit", "of", "allows", "used", "held", "left", "full", "again"]
    (rate,) = [line for line in lines if line.startswith("tight/r ")]
    assert rate.split()[:10] == ["tight/r", "account", "20", "requests", "in", "1m", "3", "0", "17", "in"]
    (slots,) = [line for line in lines if line.startswith("tight/slots ")]
    assert slots.split()[1:] == ["account", "2", "concurrent", "0", "0", "2", "now"]
    (money,) = [line for line in lines if line.startswith("tight/usd ")]
    assert money.split()[1:5] == ["org", "$1.00", "a", "month"]
    assert verb(gateway, "usage", "nobody") == 1
    assert "no such account" in capsys.readouterr().err


def test_the_ledger_is_right_until_somebody_touches_it(gateway, tmp_path, capsys):
    assert verb(gateway, "ledger", "verify") == 0
    assert capsys.readouterr().out == "1 counters, 3 entries up to 3: 0 not explained\n"
    gateway.runtime.store._ledger.states.by_key["org:acme|usd|month:UTC:1|*"].current.used += 7
    assert ask(gateway, max_tokens=20).status == 200
    gateway.settled()
    assert verb(gateway, "ledger", "verify", "--json") == 1
    (wrong,) = json.loads(capsys.readouterr().out)["mismatches"]
    assert wrong["counted"] - wrong["explained"] == 7


def test_a_backup_is_a_database_beside_the_one_in_use(gateway, capsys):
    assert verb(gateway, "backup") == 0
    path = capsys.readouterr().out.strip()
    with closing(sqlite3.connect(path)) as copy:
        assert copy.execute("SELECT COUNT(*) FROM entry").fetchone() == (3,)
    assert verb(gateway, "backup", "--json") == 0
    made = json.loads(capsys.readouterr().out)
    with closing(sqlite3.connect(made["accounts"])) as copy:
        assert copy.execute("SELECT value FROM meta WHERE name = 'format'").fetchone() is not None


@pytest.mark.parametrize("words", [["ledger", "verify"], ["backup"]])
def test_a_store_without_files_says_so(tmp_path, monkeypatch, capsys, words):
    with running(tmp_path, policies=policy(LIMITS)) as gateway:
        monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", gateway.admin_token)
        assert verb(gateway, *words) == 1
    assert "memory:" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["usage", "acme"], ["ledger", "verify"], ["backup"]])
def test_without_a_token_nothing_is_asked(monkeypatch, capsys, words):
    monkeypatch.delenv("GATEWAY_ADMIN_TOKEN", raising=False)
    monkeypatch.delenv("GATEWAY_ADMIN_TOKEN_FILE", raising=False)
    assert main(words) == 2
    assert "no admin token" in capsys.readouterr().err
