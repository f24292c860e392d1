"""All test files of a policy folder: which cases failed and why, and which rules no case has ever reached."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.policy.case_report import compare, explain_case
from gateway.policy.cases import Case, CaseFile, read_cases
from gateway.policy.compile import PolicySet
from gateway.policy.definitions import NONE, Definitions
from gateway.policy.explain.names import NOTHING_DONE, name_of
from gateway.policy.load import TEST_SUFFIX, PolicyFile
from gateway.policy.model import Policy
from gateway.policy.plan import OUTPUT_RULE
from gateway.policy.trial import Outcome, run_case
from gateway.policy.watermark import RULE
from gateway.validate import nearest
from gateway.yamlio import Loaded, Problem, YamlProblems

_TERMS: Final = re.compile(r"(/access\.terms)\..*")


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case. `failures` is empty when it passed."""

    source: str
    line: int
    name: str
    failures: tuple[str, ...]
    explanation: tuple[str, ...] = ()
    """Of a failed case: what the rules in question said."""


@dataclass(slots=True)
class Report:
    """Every case that ran, and the rules (policy/rule) that none of them exercised."""

    results: list[CaseResult] = field(default_factory=list)
    uncovered: list[str] = field(default_factory=list)

    @property
    def failed(self) -> int:
        return sum(1 for result in self.results if result.failures)

    @property
    def passed(self) -> bool:
        """Zero cases prove nothing."""
        return bool(self.results) and not self.failed


def run_tests(files: Sequence[PolicyFile], test_paths: Iterable[Path], definitions: Definitions = NONE) -> Report:
    """Run test files against policies and what these share. Raises YamlProblems when a test file cannot be read."""
    report = Report()
    problems: list[Problem] = []
    reached: set[str] = set()
    for path in test_paths:
        try:
            cases, loaded = read_cases(path)
            policies = _under_test(cases, loaded, path, files, definitions)
        except YamlProblems as error:
            problems.extend(error.problems)
            continue
        for index, case in enumerate(cases.cases):
            outcome = run_case(case, policies, cases.models)
            failures = tuple(compare(case, outcome))
            why = tuple(explain_case(case, outcome)) if failures else ()
            line = loaded.place(("cases", index)).line
            report.results.append(CaseResult(loaded.source, line, case.name, failures, why))
            if not failures:
                reached |= _reached(case, outcome, policies)
    if problems:
        raise YamlProblems(problems)
    report.uncovered = [rule for file in files for rule in rules_of(file.policy) if rule not in reached]
    return report


def rules_of(policy: Policy) -> list[str]:
    """Everything of a policy that can refuse or reduce, as policy/rule."""
    if policy.effective_mode == "off":
        return []
    names = [*policy.limits, *policy.budgets]
    if policy.access is not None:
        given = policy.access.model_dump(exclude_none=True)
        names += [f"access.{key}" for key, value in given.items() if value is not True or key == "terms"]
    names += [*policy.rules, *policy.output, *([RULE] if policy.watermark else [])]
    return [f"{policy.id}/{name}" for name in names]


def _under_test(
    cases: CaseFile, loaded: Loaded, path: Path, files: Sequence[PolicyFile], definitions: Definitions
) -> PolicySet:
    by_id = {file.policy.id: file.policy for file in files}
    if cases.policies == "all":
        return PolicySet(by_id.values(), definitions)
    if cases.policies is None:
        stem = path.name.removesuffix(TEST_SUFFIX)
        chosen = [file.policy for file in files if Path(file.loaded.source).stem == stem]
        if chosen:
            return PolicySet(chosen, definitions)
        message = f"no policy file {stem}.yaml beside it: name the ids under `policies`"
        raise YamlProblems([Problem(loaded.source, 1, 1, message)])
    unknown = [name for name in cases.policies if name not in by_id]
    if unknown:
        place = loaded.place(("policies", cases.policies.index(unknown[0])))
        message = f"unknown policy '{unknown[0]}'{nearest(unknown[0], by_id)}"
        raise YamlProblems([Problem(loaded.source, place.line, place.column, message)])
    return PolicySet((by_id[name] for name in cases.policies), definitions)


def _reached(case: Case, outcome: Outcome, policies: PolicySet) -> set[str]:
    """A rule counts as exercised when it decided or did something, in audit mode too, or its state was asserted."""
    reached = {
        f"{finding.policy_id}/{finding.rule}" for finding in outcome.findings if finding.action not in NOTHING_DONE
    }
    if outcome.refusal is not None:
        reached.add(name_of(outcome.refusal))
    for name in case.expect.remaining or {}:
        reached |= {limit.rule for limit, _ in outcome.readings if name in (limit.name, limit.rule)}
    if case.expect.output_cap is not None:
        reached |= {
            f"{policy.id}/{OUTPUT_RULE}"
            for policy in policies.policies
            if policy.access is not None and policy.access.max_output_tokens == case.expect.output_cap
        }
    asserted = {"enforce": case.expect.watermark, "audit": case.expect.watermark_audit}
    for policy in outcome.survey:
        mark = policy.watermark
        if mark is not None and asserted.get(mark.mode) is not None:
            reached.add(mark.id)
    # Any part of a terms profile shows that the policy enforces it.
    return reached | {_TERMS.sub(r"\1", name) for name in reached}
