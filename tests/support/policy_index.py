"""The table of policies/README.md: what is shipped, one row a policy.

`python -m tests.support.policy_index` writes it anew after a policy has changed; a test compares.
"""

import re
import sys
from typing import Final

from gateway.policy.load import read_directory
from gateway.policy.model import Policy
from tests.support.markdown import ROOT

SHIPPED: Final = ROOT / "policies"
PAGE: Final = SHIPPED / "README.md"
MARKS: Final = ("<!-- index: begin -->", "<!-- index: end -->")


def table() -> str:
    """What stands between the marks."""
    policies = sorted((file.policy for file in read_directory(SHIPPED)), key=lambda policy: policy.id)
    head = ["| policy | title | clause | status | mode | owner | what it does |", "|---|---|---|---|---|---|---|"]
    return "\n".join([*head, *map(_row, policies)])


def written() -> str:
    """What stands there now."""
    page = PAGE.read_text()
    begin, end = (page.index(mark) for mark in MARKS)
    return page[begin + len(MARKS[0]) : end].strip()


def _row(policy: Policy) -> str:
    return (
        f"| [{policy.id}]({policy.id}.yaml) | {policy.title} | {_clause(policy)} | {policy.status} "
        f"| {policy.effective_mode} | {policy.owner} | {_first_sentence(policy.description or '')} |"
    )


def _clause(policy: Policy) -> str:
    if policy.clause is None:
        return ""
    return " ".join(word for word in (policy.clause.document, policy.clause.section) if word)


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=\.)\s", text, maxsplit=1)[0]


def main() -> int:
    page = PAGE.read_text()
    begin, end = (page.index(mark) for mark in MARKS)
    PAGE.write_text(f"{page[: begin + len(MARKS[0])]}\n\n{table()}\n\n{page[end:]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
