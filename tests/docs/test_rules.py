"""docs/rules.md knows every criterion with both of its codes, every action and every key, and its example is true."""

import re
from pathlib import Path

import pytest

from gateway.core import reasons
from gateway.policy import actions, entries, terms
from gateway.policy.actions import WORDS
from gateway.policy.criteria import CRITERIA
from gateway.policy.criteria.text import TextMatch
from gateway.policy.definitions import DefinitionsFile
from gateway.policy.load import read_files
from gateway.policy.rules import lint_files
from gateway.validate import Strict
from tests.support.policies import NOW

DOCS = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
ROWS = {row.split("`")[1]: row for row in DOCS.splitlines() if row.startswith("| `")}
MODELS = [
    one
    for module in (actions, entries, terms)
    for one in vars(module).values()
    if isinstance(one, type) and issubclass(one, Strict) and one.__module__ == module.__name__
]
KEYS = sorted(
    {info.alias or name for one in (*MODELS, TextMatch, DefinitionsFile) for name, info in one.model_fields.items()}
)


@pytest.mark.parametrize("criterion", CRITERIA, ids=lambda criterion: criterion.key)
def test_every_criterion_is_explained_with_both_answers(criterion: object) -> None:
    codes = f"`{criterion.passes}` / `{criterion.fails}` |"  # type: ignore[attr-defined]
    (row,) = [row for row in DOCS.splitlines() if row.endswith(codes)]
    assert row.startswith(f"| `{criterion.key}` |")  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", sorted(set(KEYS) - {"word"}))
def test_every_key_is_explained(key: str) -> None:
    assert re.search(rf"`[^`]*\b{key}\b[^`]*`", DOCS), key


def test_every_action_is_explained_with_its_reason() -> None:
    for word in WORDS:
        assert word in ROWS, word
    for reason in reasons.ACTIONS.values():
        assert f"`{reason}`" in DOCS, reason


def test_the_example_is_clean(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)
    (tmp_path / "reasoning.yaml").write_text(example)
    files = read_files([tmp_path / "reasoning.yaml"])
    assert [str(finding) for finding in lint_files(files, [], NOW)] == []
