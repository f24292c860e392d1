"""All test files of a policy folder: which cases failed and why, and which rules no case has ever reached."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.core.units import Unit
from gateway.policy.cases import Case, CaseExpect, CaseFile, read_cases
from gateway.policy.compile import PolicySet
from gateway.policy.load import TEST_SUFFIX, PolicyFile
from gateway.policy.model import Policy
from gateway.policy.plan import OUTPUT_RULE
from gateway.policy.scalars import nano_dollars
from gateway.policy.trial import Outcome, run_case
from gateway.policy.words import dollars
from gateway.validate import nearest
from gateway.yamlio import Loaded, Problem, YamlProblems


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case. `failures` is empty when it passed."""

    source: str
    line: int
    name: str
    failures: tuple[str, ...]


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


def run_tests(files: Sequence[PolicyFile], test_paths: Iterable[Path]) -> Report:
    """Run test files against policies. Raises YamlProblems when a test file cannot be read."""
    report = Report()
    problems: list[Problem] = []
    reached: set[str] = set()
    for path in test_paths:
        try:
            cases, loaded = read_cases(path)
            policies = _under_test(cases, loaded, path, files)
        except YamlProblems as error:
            problems.extend(error.problems)
            continue
        for index, case in enumerate(cases.cases):
            outcome = run_case(case, policies, cases.models)
            failures = tuple(_compare(case, outcome))
            line = loaded.place(("cases", index)).line
            report.results.append(CaseResult(loaded.source, line, case.name, failures))
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
        names += [f"access.{key}" for key, value in given.items() if value is not True]
    return [f"{policy.id}/{name}" for name in names]


def _under_test(cases: CaseFile, loaded: Loaded, path: Path, files: Sequence[PolicyFile]) -> PolicySet:
    by_id = {file.policy.id: file.policy for file in files}
    if cases.policies == "all":
        return PolicySet(by_id.values())
    if cases.policies is None:
        stem = path.name.removesuffix(TEST_SUFFIX)
        chosen = [file.policy for file in files if Path(file.loaded.source).stem == stem]
        if chosen:
            return PolicySet(chosen)
        message = f"no policy file {stem}.yaml beside it: name the ids under `policies`"
        raise YamlProblems([Problem(loaded.source, 1, 1, message)])
    unknown = [name for name in cases.policies if name not in by_id]
    if unknown:
        place = loaded.place(("policies", cases.policies.index(unknown[0])))
        message = f"unknown policy '{unknown[0]}'{nearest(unknown[0], by_id)}"
        raise YamlProblems([Problem(loaded.source, place.line, place.column, message)])
    return PolicySet(by_id[name] for name in cases.policies)


def _compare(case: Case, outcome: Outcome) -> Iterator[str]:
    if outcome.faults:
        yield from outcome.faults
        return
    expect, refusal = case.expect, outcome.refusal
    action = "allow" if refusal is None else "deny"
    if action != expect.action:
        yield f"expected {expect.action}, found {action}" + (f": {refusal.message}" if refusal else "")
    details = refusal.details if refusal else {}
    wait_ms = refusal.retry_after_ms if refusal else None
    facts: list[tuple[str, object, object]] = [
        ("reason", expect.reason, refusal.reason.code if refusal else None),
        ("policy", expect.policy, details.get("policy")),
        ("limit", expect.limit, details.get("limit")),
        ("rule", expect.rule, details.get("rule")),
        ("retry_after_s", expect.retry_after_s, None if wait_ms is None else -(-wait_ms // 1000)),
        ("output_cap", expect.output_cap, outcome.output_cap),
    ]
    for name, wanted, found in facts:
        if wanted is not None and wanted != found:
            yield f"expected {name} {wanted}, found {'none' if found is None else found}"
    yield from _compare_remaining(expect, outcome)
    if expect.audit is not None:
        found_audit = sorted(f"{finding.policy_id}/{finding.rule}" for finding in outcome.findings)
        if sorted(expect.audit) != found_audit:
            yield f"expected audit {sorted(expect.audit)}, found {found_audit}"


def _compare_remaining(expect: CaseExpect, outcome: Outcome) -> Iterator[str]:
    for name, wanted in (expect.remaining or {}).items():
        matching = [pair for pair in outcome.readings if name in (pair[0].name, pair[0].rule)]
        if len(matching) != 1:
            known = [limit.name for limit, _ in outcome.readings]
            yield f"remaining: {'no' if not matching else 'more than one'} limit '{name}'{nearest(name, known)}"
            continue
        limit, reading = matching[0]
        money = limit.spec.unit is Unit.USD
        try:
            amount = nano_dollars(wanted, least=None) if money else wanted
        except ValueError as error:
            yield f"remaining {name}: {error}"
            continue
        if amount != reading.remaining:
            found = dollars(reading.remaining) if money else reading.remaining
            yield f"expected remaining {name} {wanted}, found {found}"


def _reached(case: Case, outcome: Outcome, policies: PolicySet) -> set[str]:
    """A rule counts as exercised when it decided, would have decided, or its state was asserted."""
    reached = {f"{finding.policy_id}/{finding.rule}" for finding in outcome.findings}
    if outcome.refusal is not None:
        details = outcome.refusal.details
        reached.add(f"{details.get('policy')}/{details.get('limit') or details.get('rule')}")
    for name in case.expect.remaining or {}:
        reached |= {limit.rule for limit, _ in outcome.readings if name in (limit.name, limit.rule)}
    if case.expect.output_cap is not None:
        reached |= {
            f"{policy.id}/{OUTPUT_RULE}"
            for policy in policies.policies
            if policy.access is not None and policy.access.max_output_tokens == case.expect.output_cap
        }
    return reached
