from pathlib import Path

import pytest

from gateway.policy.load import read_files
from gateway.policy.paths import find_files
from gateway.policy.rules import RULES, lint_files
from gateway.yamlio import YamlProblems
from tests.support.policies import NOW

POLICY = "version: 1\nid: {}\ntitle: T\nstatus: stable\nmatch: all\naccess: {{max_n: 1}}\n"
CASE = "cases: [{name: n, at: 2026-03-02T12:00:00Z, given: {}, expect: {action: allow}}]\n"


def codes(folder: Path) -> list[tuple[str, str]]:
    policies, tests = find_files([folder])
    return [(one.policy, one.code) for one in lint_files(read_files(policies), tests, NOW) if one.code == "P103"]


def test_codes_are_unique_and_every_one_has_an_anchor() -> None:
    assert len({rule.code for rule in RULES}) == len(RULES) == len({rule.name for rule in RULES})
    assert {rule.anchor for rule in RULES} == {f"docs/policies.md#{rule.code.lower()}" for rule in RULES}


def test_which_policies_count_as_tested(tmp_path: Path) -> None:
    for name in ("beside", "named", "bare"):
        (tmp_path / f"{name}.yaml").write_text(POLICY.format(name))
    (tmp_path / "beside.test.yaml").write_text(CASE)
    (tmp_path / "more.test.yaml").write_text("policies: [named]\n" + CASE)
    (tmp_path / "whole.test.yaml").write_text("policies: all\n" + CASE)
    assert codes(tmp_path) == [("bare", "P103")]


def test_a_test_file_that_cannot_be_read_is_a_problem_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(POLICY.format("a"))
    (tmp_path / "a.test.yaml").write_text("cases: []\n")
    with pytest.raises(YamlProblems, match=r"a\.test\.yaml"):
        codes(tmp_path)


def test_findings_read_like_compiler_messages_in_file_order(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(POLICY.format("a"))
    findings = lint_files(read_files([tmp_path / "a.yaml"]), [], NOW)
    assert [finding.code for finding in findings] == ["P101", "P102", "P105", "P103"]
    assert str(findings[3]).startswith(f"{tmp_path / 'a.yaml'}:4:9: error P103: stable without tests")
