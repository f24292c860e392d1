"""What docs/shipped-policies.md says of the shipped set is so."""

import re

import pytest

from gateway.policy.definitions import read_definitions
from gateway.policy.load import read_directory
from tests.support import policy_report as report
from tests.support.corpora import needs_corpora
from tests.support.own_ordinary import PROMPTS
from tests.support.policy_index import SHIPPED

TEXT = report.PAGE.read_text()
POLICIES = [file.policy for file in read_directory(SHIPPED)]
DEFINITIONS = read_definitions(SHIPPED)
LEAST = {
    "reasoning-traces/harvest": 0.94,
    "training-material/rubric-grading": 0.96,
    "training-material/instruction-generation": 0.68,
    "training-material/policy-rewriting": 0.34,
}
"""The lower ends of the documented intervals."""


def table(heading: str) -> list[list[str]]:
    """The rows of the table under a heading of the page."""
    section = re.split(r"^##+ ", TEXT.split(f"## {heading}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return rows[2:]


def test_every_policy_and_its_mode_are_named():
    said = {}
    for names, *_ in table("What is in force, and what only watches"):
        mode = re.search(r"\((\w+)\)$", names)
        said |= dict.fromkeys(re.findall(r"`([\w-]+)`", names), mode[1] if mode else "enforce")
    assert said == {policy.id: policy.effective_mode for policy in POLICIES}


def test_every_profile_is_named_with_what_it_forbids():
    said = {row[0].strip("`"): (row[1].split()[0], row[2]) for row in table("Terms of models")}
    words = {"forbidden": "forbidden", "conditional": "if", "allowed": "allowed"}
    assert said == {name: (words[terms.distillation], terms.reasoning) for name, terms in DEFINITIONS.terms.items()}


def test_tags_and_purposes_that_policies_ask_for_are_named():
    asked = [*(policy.match for policy in POLICIES), *DEFINITIONS.fragments.values()]
    asked += [rule.when for policy in POLICIES for rule in policy.rules.values()]
    words = set()
    while asked:
        block = asked.pop()
        if block is None:
            continue
        words |= {*(block.tags or ()), *(block.declared_purpose or ())} - {"undeclared"}
        asked += [*(block.all or ()), *(block.any or ()), block.not_]
    assert len(words) >= 9
    assert [word for word in sorted(words) if f"`{word}`" not in TEXT] == []


def test_numbers_in_the_text():
    assert f"{len(PROMPTS)} prompts of our own" in TEXT
    size = sum(len(path.read_bytes()) for path in SHIPPED.glob("*.yaml"))
    assert f"about {round(size / 5000) * 5} KB of 1 MiB" in TEXT
    assert f"{report.ACCOUNTS} made-up accounts of {report.CALLS} calls" in TEXT


@needs_corpora
def test_the_documented_tables_are_what_is_measured():
    assert report.written() == report.text()


@needs_corpora
@pytest.mark.parametrize("rule", report.KIND_OF)
def test_each_rule_finds_what_it_is_for(rule):
    hits, number, _, _ = report.recall(rule)
    assert hits / number >= LEAST[rule]
    assert report.until(rule, 1.0)[0] == report.ACCOUNTS
    assert report.until(rule, 0.1)[0] == 0
