from pathlib import Path

import pytest

from gateway.policy.cases import read_cases
from gateway.yamlio import YamlProblems

CASE = "- {name: n, at: 2026-03-02T12:00:00Z, given: {}, expect: {action: allow}}\n"


def read(tmp_path: Path, text: str) -> str:
    path = tmp_path / "a.test.yaml"
    path.write_text(text)
    with pytest.raises(YamlProblems) as caught:
        read_cases(path)
    return str(caught.value)


def test_what_is_not_said_has_a_plain_default(tmp_path: Path) -> None:
    path = tmp_path / "a.test.yaml"
    path.write_text("cases:\n" + CASE)
    file, _ = read_cases(path)
    (case,) = file.cases
    assert (case.at, case.given.account.id, case.given.ask.n, file.policies) == (1_772_452_800_000, "acme", 1, None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cases: []", "at least 1"),
        ("policies: all", "missing key 'cases'"),
        ("cases:\n" + CASE.replace("action: allow", "action: maybe"), "action"),
        ("cases:\n" + CASE.replace("action: allow", "reasn: x, action: deny"), "did you mean 'reason'"),
        ("cases:\n" + CASE.replace("given: {}", "given: {ask: {max_token: 1}}"), "did you mean 'max_tokens'"),
        ("cases:\n" + CASE.replace("given: {}", "given: {history: [{ago: soon}]}"), "expected a duration"),
        ("cases:\n" + CASE.replace("12:00:00Z", "12:00:00"), "offset"),
        ("models: {m: {prices: {input: -1, output: 1}}}\ncases:\n" + CASE, "0 dollars or more"),
    ],
)
def test_a_test_that_says_nonsense_is_refused(tmp_path: Path, text: str, says: str) -> None:
    assert says in read(tmp_path, text)
