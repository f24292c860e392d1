import argparse
import json
from pathlib import Path

import pytest

from gateway.cli import policy

POLICY = """version: 1
id: p
title: T
status: stable
match: {tier: free}
rules: {many: {when: {n: {at_least: 3}}, then: deny}}
output: {o: {text: {words: bad}, how: after}}
"""
CASES = """cases:
- name: three are many
  at: 2026-03-02T12:00:00Z
  given: {account: {tier: free}, ask: {n: 2}}
  expect: {action: deny, rule: many}
"""


def gateway(*words: str | Path) -> int:
    parser = argparse.ArgumentParser(prog="gateway")
    policy.add_parser(parser.add_subparsers(dest="command"))
    return policy.run(parser.parse_args(["policy", "test", *map(str, words)]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "definitions.yaml").write_text("version: 1\nwords: {bad: [a bad word]}\n")
    (tmp_path / "p.yaml").write_text(POLICY)
    (tmp_path / "p.test.yaml").write_text(CASES)
    return tmp_path


def test_a_failed_case_shows_what_the_rule_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gateway(folder) == 1
    assert capsys.readouterr().out == (
        f"FAIL {folder / 'p.test.yaml'}:2: three are many\n"
        "       expected deny, found allow\n"
        "       expected rule many, found none\n"
        "         no     p/many: deny\n"
        "                 no  n: at_least 3 (found: 2 choices)  [n_out_of_range]\n"
        "never exercised: p/many\n"
        "never exercised: p/o\n"
        "0 passed, 1 failed, 2 rules never exercised\n"
    )
    assert gateway(folder, "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert document["cases"][0]["explanation"][0] == "no     p/many: deny"
    assert document["uncovered"] == ["p/many", "p/o"]


def test_a_case_that_passes_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "p.test.yaml").write_text(CASES.replace("n: 2", "n: 3"))
    assert gateway(folder / "p.yaml") == 0
    assert capsys.readouterr().out == (
        f"ok   {folder / 'p.test.yaml'}:2: three are many\n"
        "never exercised: p/o\n"
        "1 passed, 0 failed, 1 rules never exercised\n"
    )
