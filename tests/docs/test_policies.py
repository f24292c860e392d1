"""docs/policies.md knows every key, every lint code and every command, and its examples are true."""

import re
from pathlib import Path

import pytest

from gateway.dialects import DIALECTS
from gateway.policy import cases, model
from gateway.policy.load import PolicyFile, read_files
from gateway.policy.rules import RULES, lint_files
from gateway.policy.run_cases import run_tests
from gateway.validate import Strict
from tests.support.policies import NOW

DOCS = (Path(__file__).parents[2] / "docs" / "policies.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)
MODELS = [
    one
    for module in (model, cases)
    for one in vars(module).values()
    if isinstance(one, type) and issubclass(one, Strict) and one.__module__ == module.__name__
]
KEYS = sorted({info.alias or name for one in MODELS for name, info in one.model_fields.items()})


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_explained(key: str) -> None:
    assert re.search(rf"`[^`]*\b{key}\b[^`]*`", DOCS), key


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_lint_code_has_its_anchor_its_severity_and_its_name(rule: object) -> None:
    code, name, severity = rule.code, rule.name, rule.severity  # type: ignore[attr-defined]
    section = re.search(rf"^### {code}\n\*(\w+): ([^*]+)\.\*", DOCS, re.MULTILINE)
    assert section is not None, code
    assert (section[1].lower(), section[2]) == (severity, name)


def test_no_code_is_explained_that_does_not_exist() -> None:
    assert set(re.findall(r"^### (P\d+)$", DOCS, re.MULTILINE)) == {"P001"} | {rule.code for rule in RULES}


def test_every_dialect_is_named() -> None:
    row = next(line for line in DOCS.splitlines() if line.startswith("| `dialect` |"))
    assert set(re.findall(r"`(\w+)`", row)) == {"dialect"} | {dialect.name for dialect in DIALECTS}


@pytest.fixture
def example(tmp_path: Path) -> list[PolicyFile]:
    (tmp_path / "trial.yaml").write_text(EXAMPLES[0])
    (tmp_path / "trial.test.yaml").write_text(EXAMPLES[1])
    return read_files([tmp_path / "trial.yaml"])


def test_the_example_is_clean_and_its_case_passes(example: list[PolicyFile], tmp_path: Path) -> None:
    tests = [tmp_path / "trial.test.yaml"]
    assert [str(finding) for finding in lint_files(example, tests, NOW)] == []
    report = run_tests(example, tests)
    assert [result.failures for result in report.results] == [()]
