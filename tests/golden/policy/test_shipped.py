"""The policies that are shipped: they lint, their cases pass, and every rule of theirs is exercised."""

import re
from pathlib import Path

import pytest

from gateway.dialects import DIALECTS
from gateway.policy.compile import load_policies
from gateway.policy.lint import Known
from gateway.policy.load import read_files
from gateway.policy.paths import find_files
from gateway.policy.rules import lint_files
from gateway.policy.run_cases import run_tests
from tests.support.policies import NOW, model, principal

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "policies"
POLICIES, TESTS = find_files([SHIPPED])
FILES = read_files(POLICIES)


def test_nothing_to_complain_about() -> None:
    known = Known(dialects=frozenset(dialect.name for dialect in DIALECTS))
    assert [str(finding) for finding in lint_files(FILES, TESTS, NOW, known)] == []


def test_every_case_passes_and_every_rule_is_exercised() -> None:
    report = run_tests(FILES, TESTS)
    assert [(one.name, one.failures) for one in report.results if one.failures] == []
    assert report.uncovered == []
    assert len(report.results) >= 4 * len(FILES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.policy.id)
def test_every_policy_says_what_people_need(file: object) -> None:
    policy = file.policy  # type: ignore[attr-defined]
    assert Path(file.loaded.source).stem == policy.id  # type: ignore[attr-defined]
    assert policy.clause is not None
    assert policy.on_violation.message
    assert policy.on_violation.contact
    first = Path(file.loaded.source).read_text().splitlines()[0]  # type: ignore[attr-defined]
    schema = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert schema is not None
    assert (SHIPPED / schema[1]).is_file()


@pytest.mark.parametrize("tier", ["free", "developer", "enterprise", "", "unheard-of"])
def test_no_tier_is_without_limits(tier: str) -> None:
    plan = load_policies(SHIPPED).plan(principal(tier=tier), "chat", model("chat-small"), NOW)
    assert any(not spec.shadow for spec in plan.specs)
    assert [mode for _, mode in plan.policies].count("enforce") == 1


def test_the_index_names_every_policy_and_no_other() -> None:
    index = (SHIPPED / "README.md").read_text()
    rows = re.findall(r"^\| \[(\S+)\]\((\S+)\) \| (.+?) \| (\w+) \| (\w+) \| (.+?) \|$", index, re.MULTILINE)
    assert sorted(rows) == [
        (
            policy.id,
            f"{policy.id}.yaml",
            policy.title,
            policy.status,
            policy.effective_mode,
            policy.owner,
        )
        for policy in sorted((file.policy for file in FILES), key=lambda one: one.id)
    ]
