"""docs/errors.md knows every reason code and every header, and what it says of them is what the code does."""

import re

import pytest

from gateway.core.reasons import REASONS
from gateway.dialects import ANTHROPIC, OPENAI
from gateway.dialects.base import LimitAdvice
from tests.support.markdown import ROOT
from tests.support.reason_facts import row

PAGE = (ROOT / "docs" / "errors.md").read_text()
SOURCES = "\n".join(path.read_text() for path in sorted((ROOT / "gateway").rglob("*.py")))
FAMILIES = ("requests", "tokens", "input-tokens", "output-tokens")


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.code)
def test_a_reason_has_its_facts_and_its_advice(reason):
    lines = PAGE.splitlines()
    assert row(reason) in lines
    advice = [line for line in lines if line.startswith(f"| `{reason.code}` | {reason.meaning} |")]
    assert len(advice) == 1
    assert all(cell.strip() for cell in advice[0].strip("|").split("|"))


def test_no_code_is_documented_that_does_not_exist():
    documented = re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE)
    assert set(documented) - {"allow"} == {reason.code for reason in REASONS}
    assert documented.count("policy_denied") == 2


def test_every_header_of_our_own_is_documented():
    ours = set(re.findall(r'"(x-gateway-[a-z-]+)"', SOURCES))
    assert len(ours) >= 3
    assert ours == set(re.findall(r"`(x-gateway-[a-z-]+)`", PAGE))


@pytest.mark.parametrize("family", [OPENAI, ANTHROPIC], ids=lambda family: family.name)
def test_every_rate_limit_header_is_documented(family):
    sent = {name for name, _ in family.advice([LimitAdvice(name, 1, 1, 1) for name in FAMILIES], 0)}
    prefix = "x-ratelimit-" if family is OPENAI else "anthropic-ratelimit-"
    assert sent == set(re.findall(rf"`({prefix}[a-z-]+)`", PAGE))
