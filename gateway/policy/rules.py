"""All lint rules by hand, and one entry to run them over files."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from gateway.policy.cases import CaseFile, read_cases
from gateway.policy.lint import Known, LintFinding, Rule, Scene, lint
from gateway.policy.lint_header import HEADER_RULES
from gateway.policy.lint_limits import LIMIT_RULES
from gateway.policy.lint_match import MATCH_RULES
from gateway.policy.load import TEST_SUFFIX, PolicyFile
from gateway.yamlio import Problem, YamlProblems

RULES: Final[tuple[Rule, ...]] = (*HEADER_RULES, *MATCH_RULES, *LIMIT_RULES)


def lint_files(
    files: Sequence[PolicyFile], test_paths: Iterable[Path], now_ms: int, known: Known | None = None
) -> list[LintFinding]:
    """Every finding. Raises YamlProblems when a test file cannot be read."""
    tested: set[str] = set()
    problems: list[Problem] = []
    for path in test_paths:
        try:
            cases, _loaded = read_cases(path)
        except YamlProblems as error:
            problems.extend(error.problems)
            continue
        tested |= _ids_under_test(cases, path, files)
    if problems:
        raise YamlProblems(problems)
    return lint(Scene(files, now_ms, frozenset(tested), known or Known()), RULES)


def _ids_under_test(cases: CaseFile, path: Path, files: Sequence[PolicyFile]) -> set[str]:
    """Cases against the whole set prove no single policy, so `all` counts for none."""
    if cases.policies is None:
        stem = path.name.removesuffix(TEST_SUFFIX)
        return {file.policy.id for file in files if Path(file.loaded.source).stem == stem}
    return set() if cases.policies == "all" else set(cases.policies)
