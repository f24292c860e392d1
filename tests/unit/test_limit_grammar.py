"""Limits of upstream keys as people write them, and where each mistake is shown."""

from pathlib import Path

import pytest

from gateway.config import load_config
from gateway.yamlio import YamlProblems

HEAD = """\
upstreams:
  main:
    base_url: http://127.0.0.1:8000/v1
"""


def load(tmp_path: Path, text: str, env: dict[str, str] | None = None):
    (tmp_path / "gateway.yaml").write_text(HEAD + text)
    return load_config(tmp_path / "gateway.yaml", env or {}).settings.upstreams["main"]


def test_the_example_of_the_documentation(tmp_path: Path):
    page = (Path(__file__).parents[2] / "docs" / "upstreams.md").read_text()
    text = page.partition("## Limits of its key")[2].split("```yaml\n")[1].partition("```")[0]
    (tmp_path / "gateway.yaml").write_text(text)
    entry = load_config(tmp_path / "gateway.yaml", {}).settings.upstreams["main"]
    assert (set(entry.limits), set(entry.budgets)) == ({"pace", "tokens", "open"}, {"month"})
    assert (entry.limits["tokens"].burst, entry.limits["tokens"].models) == (50_000, "each")
    assert entry.budgets["month"].amount == 20_000 * 10**9


def test_without_any_there_are_none(tmp_path: Path):
    entry = load(tmp_path, "")
    assert (entry.limits, entry.budgets) == ({}, {})


@pytest.mark.parametrize(
    ("line", "column", "says"),
    [
        ("a: {unit: requests, amount: 5, window: 1m, per: org}", 50, "unknown key 'per'"),
        ("a: {unit: requests, amount: 5}", 7, "missing key 'upstreams.main.limits.a.window'"),
        ("a: {unit: requests, amount: 5, window: minute}", 46, "expected a duration such as 30s"),
        ("a: {unit: requests, amount: 0, window: 1m}", 35, "expected greater than 0, found 0"),
        ("a: {unit: reqests, amount: 5, window: 1m}", 17, "expected one of 'requests', 'input_tokens'"),
        ("a: {unit: distinct_prompts, amount: 5, window: 1d}", 17, "expected one of 'requests', 'input_tokens'"),
        ("a: {unit: concurrent, amount: 5, window: 1d}", 40, "unknown key 'window'"),
        ("a: {unit: usd, amount: 5, window: 1d}", 17, "expected one of 'requests'"),
        ("a: {unit: total_tokens, amount: 9000000000000000, window: 1d}", 7, "too large to count exactly"),
        ("A: {unit: concurrent, amount: 5}", 7, "expected text to match pattern"),
        ("a: 5", 10, "expected a mapping, found 5"),
    ],
)
def test_a_mistake_is_shown_where_it_stands(tmp_path: Path, line: str, column: int, says: str):
    with pytest.raises(YamlProblems) as caught:
        load(tmp_path, f"    limits:\n      {line}\n")
    (problem,) = caught.value.problems
    assert (Path(problem.source).name, problem.line) == ("gateway.yaml", 5)
    assert says in problem.message
    assert problem.column == column


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("a: {unit: usd, amount: 5, period: week}", "expected 'day' or 'month'"),
        ("a: {unit: usd, amount: 5, period: day, anchor_day: 3}", "anchor_day goes with period: month"),
        ("a: {unit: usd, amount: 5, period: day, zone: Mars}", "expected an IANA time zone"),
        ("a: {unit: usd, amount: 10000000, period: day}", "a budget must be between 0 and"),
        ("a: {unit: usd, amount: 5, period: day, per: all}", "unknown key 'per'"),
    ],
)
def test_a_mistake_in_a_budget(tmp_path: Path, line: str, says: str):
    with pytest.raises(YamlProblems) as caught:
        load(tmp_path, f"    budgets:\n      {line}\n")
    (problem,) = caught.value.problems
    assert problem.line == 5
    assert says in problem.message


def test_the_environment_may_say_it(tmp_path: Path):
    limits = "{pace: {unit: requests, amount: 5, window: 1m}}"
    entry = load(tmp_path, "", {"GATEWAY_UPSTREAMS__MAIN__LIMITS": limits})
    assert entry.limits["pace"].amount == 5
    file = "    limits:\n      pace: {unit: requests, amount: 5, window: 1m}\n"
    assert load(tmp_path, file, {"GATEWAY_UPSTREAMS__MAIN__LIMITS__PACE__AMOUNT": "7"}).limits["pace"].amount == 7
    with pytest.raises(YamlProblems, match="GATEWAY_UPSTREAMS__MAIN__LIMITS__PACE__AMOUNT"):
        load(tmp_path, file, {"GATEWAY_UPSTREAMS__MAIN__LIMITS__PACE__AMOUNT": "0"})
