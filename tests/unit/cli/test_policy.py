import argparse
import json
from pathlib import Path

import pytest

from gateway.cli import policy

POLICY = """version: 1
id: p
title: T
status: stable
owner: o
description: d
match: {tier: free}
limits: {rpm: {unit: requests, per: account, amount: 2, window: 1m}}
false_positives: f
"""
CASES = """cases:
- name: one more than two
  at: 2026-03-02T12:00:00Z
  given: {account: {tier: free}, history: [{ago: 1s, times: 2}]}
  expect: {action: deny, limit: rpm}
"""


def gateway(*words: str | Path) -> int:
    parser = argparse.ArgumentParser(prog="gateway")
    policy.add_parser(parser.add_subparsers(dest="command"))
    return policy.run(parser.parse_args(["policy", *map(str, words)]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.yaml").write_text(POLICY)
    (tmp_path / "p.test.yaml").write_text(CASES)
    return tmp_path


def test_a_clean_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gateway("lint", folder) == 0
    assert capsys.readouterr().out == "1 policies, 0 errors, 0 warnings\n"
    assert gateway("test", folder / "p.yaml") == 0
    out = capsys.readouterr().out
    assert out.startswith("ok   ")
    assert out.endswith("1 passed, 0 failed, 0 rules never exercised\n")


def test_lint_points_at_the_line_and_the_docs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "p.yaml").write_text(POLICY + "exceptions: [{account: a, reason: r, owner: o, until: 2020-01-01}]\n")
    assert gateway("lint", folder) == 1
    out = capsys.readouterr().out
    assert out.startswith(f"{folder / 'p.yaml'}:10:")
    assert "error P106: the exception for account 'a' has expired" in out
    assert "(docs/policies.md#p106)" in out


def test_a_warning_alone_does_not_fail(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "p.yaml").write_text(POLICY.replace("owner: o\n", ""))
    assert gateway("lint", folder, "--json") == 0
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["code"], finding["severity"], finding["policy"], finding["line"]) == ("P102", "warning", "p", 2)


def test_lint_knows_the_dialects_and_asks_the_catalogue(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "p.yaml").write_text(POLICY.replace("{tier: free}", "{dialect: chatt, model: gone}"))
    models = folder / "models" / "models.yaml"
    models.parent.mkdir()
    models.write_text("models: {here: {upstreams: [u], context: 10, max_output: 5}}\n")
    assert gateway("lint", folder, "--models", models) == 1
    out = capsys.readouterr().out
    assert "P204: unknown dialect 'chatt', did you mean 'chat'?" in out
    assert "P203: 'gone' selects no model of the catalogue" in out


def test_lint_asks_the_accounts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    accounts = folder / "who" / "accounts.yaml"
    accounts.parent.mkdir()
    accounts.write_text("accounts: {acme: {tier: fre}}\n")
    (folder / "p.yaml").write_text(POLICY.replace("{tier: free}", "{tier: [fre, free], org: acme, account: acm}"))
    assert gateway("lint", folder, "--accounts", accounts) == 0
    out = capsys.readouterr().out
    assert "warning P202: unknown tier 'free', did you mean 'fre'?" in out
    assert "warning P202: unknown account 'acm', did you mean 'acme'?" in out
    assert "2 warnings" in out


def test_a_failed_case_says_what_was_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "p.test.yaml").write_text(CASES.replace("limit: rpm", "limit: rpd"))
    assert gateway("test", folder) == 1
    out = capsys.readouterr().out
    assert f"FAIL {folder / 'p.test.yaml'}:2: one more than two" in out
    assert "expected limit rpd, found rpm" in out
    assert "never exercised: p/rpm" in out
    assert gateway("test", folder, "--json") == 1
    assert json.loads(capsys.readouterr().out)["failed"] == 1


def test_zero_cases_fail(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "p.test.yaml").unlink()
    assert gateway("test", folder) == 1
    assert "zero tests prove nothing" in capsys.readouterr().err


def test_what_cannot_be_read_is_a_finding_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "p.yaml").write_text(POLICY + "limit: {}\n")
    assert gateway("lint", folder) == 1
    assert "p.yaml:10:1: error P001: unknown key 'limit', did you mean 'limits'?" in capsys.readouterr().out
    assert gateway("test", folder, "--json") == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["code"], finding["line"]) == ("P001", 10)
    assert gateway("lint", folder / "nowhere") == 1


def test_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert gateway("schema") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Policy"
    assert gateway("schema", "tests") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "CaseFile"


def test_a_verb_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        gateway()
    assert stopped.value.code == 2
    assert "VERB" in capsys.readouterr().err
