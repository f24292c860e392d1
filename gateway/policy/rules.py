"""All lint rules by hand, and one entry to run them over files."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from gateway.policy.cases import CaseFile, read_cases
from gateway.policy.compile import check_names
from gateway.policy.definitions import Definitions
from gateway.policy.lint import Known, LintFinding, Rule, Scene, lint
from gateway.policy.lint_header import HEADER_RULES
from gateway.policy.lint_limits import LIMIT_RULES
from gateway.policy.lint_match import MATCH_RULES
from gateway.policy.lint_rules import RULE_RULES
from gateway.policy.lint_shared import SHARED_RULES
from gateway.policy.lint_text import TEXT_RULES
from gateway.policy.lint_time import TIME_RULES
from gateway.policy.lint_watermark import WATERMARK_RULES
from gateway.policy.load import TEST_SUFFIX, PolicyFile, policy_paths
from gateway.policy.paths import definitions_beside
from gateway.yamlio import Problem, YamlProblems

RULES: Final[tuple[Rule, ...]] = (
    *HEADER_RULES, *TIME_RULES, *MATCH_RULES, *RULE_RULES, *LIMIT_RULES, *SHARED_RULES, *TEXT_RULES,
    *WATERMARK_RULES,
)  # fmt: skip


def lint_files(
    files: Sequence[PolicyFile],
    test_paths: Iterable[Path],
    now_ms: int,
    known: Known | None = None,
    definitions: Definitions | None = None,
) -> list[LintFinding]:
    """Every finding. Raises YamlProblems when a test file cannot be read, or a name means nothing.

    Without `definitions` those beside the files are read.
    """
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
    if definitions is None:
        definitions = definitions_beside([Path(file.loaded.source) for file in files])
    check_names(files, definitions)
    scene = Scene(files, now_ms, frozenset(tested), known or Known(), definitions, whole=_whole(files))
    return lint(scene, RULES)


def _whole(files: Sequence[PolicyFile]) -> bool:
    """Whether all policies of the folders are here that any of them comes from."""
    sources = [Path(file.loaded.source) for file in files]
    here = {source.absolute() for source in sources}
    folders = {source.absolute().parent for source in sources if source.exists()}
    return all(path in here for folder in folders for path in policy_paths(folder))


def _ids_under_test(cases: CaseFile, path: Path, files: Sequence[PolicyFile]) -> set[str]:
    """Cases against the whole set prove no single policy, so `all` counts for none."""
    if cases.policies is None:
        stem = path.name.removesuffix(TEST_SUFFIX)
        return {file.policy.id for file in files if Path(file.loaded.source).stem == stem}
    return set() if cases.policies == "all" else set(cases.policies)
