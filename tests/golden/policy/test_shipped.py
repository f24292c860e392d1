"""The policies that are shipped: they lint, their cases pass, and every rule of theirs is exercised."""

import re
from pathlib import Path

import pytest

from gateway.dialects import DIALECTS
from gateway.policy.case_marks import compare_mark
from gateway.policy.cases import read_cases
from gateway.policy.compile import PolicySet, load_policies
from gateway.policy.lint import Known
from gateway.policy.load import PolicyFile, read_files
from gateway.policy.paths import definitions_beside, find_files
from gateway.policy.rules import lint_files
from gateway.policy.run_cases import run_tests
from gateway.policy.trial import run_case
from tests.support import policy_index
from tests.support.inquiries import judged
from tests.support.policies import NOW, model, principal

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "policies"
POLICIES, TESTS = find_files([SHIPPED])
FILES = read_files(POLICIES)
DEFINITIONS = definitions_beside(POLICIES)
TIERS = {"free", "developer", "enterprise", "other-tiers"}
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)")
CONFIG_MAP_BYTES = 1 << 20
"""The most that Kubernetes keeps in one; a release of helm holds the files once more, compressed, in as much."""


def test_nothing_to_complain_about() -> None:
    known = Known(dialects=frozenset(dialect.name for dialect in DIALECTS))
    assert [str(finding) for finding in lint_files(FILES, TESTS, NOW, known)] == []


def test_every_case_passes_and_every_rule_is_exercised() -> None:
    report = run_tests(FILES, TESTS, DEFINITIONS)
    assert [(one.name, one.failures) for one in report.results if one.failures] == []
    assert report.uncovered == []
    assert len(report.results) >= 4 * len(FILES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.policy.id)
def test_every_policy_says_what_people_need(file: PolicyFile) -> None:
    policy = file.policy
    assert Path(file.loaded.source).stem == policy.id
    assert policy.clause is not None
    assert policy.description
    assert policy.false_positives
    assert policy.owner
    assert policy.on_violation.message
    assert policy.on_violation.contact
    assert not policy.exceptions, "exceptions are an operator's own"


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.name)
def test_editors_find_the_schema_of_every_file(path: Path) -> None:
    schema = MODELINE.fullmatch(path.read_text().splitlines()[0])
    assert schema is not None
    assert (SHIPPED / schema[1]).is_file()


def test_every_policy_has_cases_of_its_own() -> None:
    assert {path.name for path in TESTS} == {f"{file.policy.id}.test.yaml" for file in FILES}


def test_what_is_not_yet_stable_refuses_nobody() -> None:
    assert {file.policy.effective_mode for file in FILES if file.policy.status == "stable"} == {"enforce"}
    assert {file.policy.effective_mode for file in FILES if file.policy.status != "stable"} == {"audit", "off"}


@pytest.mark.parametrize("tier", ["free", "developer", "enterprise", "", "unheard-of"])
def test_no_tier_is_without_limits(tier: str) -> None:
    plan = load_policies(SHIPPED).plan(principal(tier=tier), "chat", model("chat-small"), NOW)
    assert any(not spec.shadow for spec in plan.specs)
    covering = [name for name, mode in plan.policies if mode == "enforce" and name in TIERS]
    assert len(covering) == 1


@pytest.mark.parametrize("tier", ["free", "developer", "enterprise"])
def test_callers_of_whom_nothing_is_known_meet_their_tier_alone(tier: str) -> None:
    """The demo's accounts: whatever else is in force asks for a fact that somebody recorded, and has none."""
    plan = load_policies(SHIPPED).plan(principal(tier=tier, country="DE"), "chat", model("sim-small"), NOW)
    assert {limit.policy_id for limit in plan.limits if limit.mode == "enforce"} == {tier}
    assert {rule.policy.id for rule in plan.enforced} <= {tier}
    assert [rule.id for rule in plan.rules if rule.mode == "enforce"] == []
    assert plan.denial is None
    assert plan.output is None


def test_the_profiles_differ_where_terms_do() -> None:
    says = {name: profile.distillation for name, profile in DEFINITIONS.terms.items()}
    assert set(says.values()) == {"forbidden", "conditional", "allowed"}
    assert {"training-forbidden", "training-allowed"} <= set(DEFINITIONS.fragments)


def test_the_policy_that_is_off_does_what_it_says_when_it_is_on() -> None:
    (off,) = (file.policy for file in FILES if file.policy.effective_mode == "off")
    assert off.id == "regions-by-address"
    on = PolicySet([off.model_copy(update={"mode": "enforce"})], DEFINITIONS)
    countries = {"192.0.2.7": "XA", "192.0.2.8": "DE"}

    def says(address: str, *tags: str) -> str | None:
        ruling = judged(on, address=address, countries=countries, tags=frozenset(tags))
        assert len(ruling.findings) <= 1
        return ruling.findings[0].action if ruling.findings else None

    assert says("192.0.2.7") == "deny"
    assert says("192.0.2.8") is None
    assert says("192.0.2.7", "travels") is None
    assert says("") == "not_evaluated"


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name.removesuffix(".test.yaml"))
def test_promoted_it_does_what_audit_mode_announced(path: Path) -> None:
    """Every case of a policy in audit mode once more, with everything in force."""
    cases, _ = read_cases(path)
    chosen = cases.policies or [path.name.removesuffix(".test.yaml")]
    promoted = PolicySet(
        (file.policy.model_copy(update={"mode": "enforce"}) for file in FILES if file.policy.id in chosen), DEFINITIONS
    )
    announced = [case for case in cases.cases if case.expect.audit or case.expect.watermark_audit]
    for case in announced:
        outcome = run_case(case, promoted, cases.models)
        details = outcome.refusal.details if outcome.refusal else {}
        done = {f"{finding.policy_id}/{finding.rule}" for finding in outcome.findings}
        done.add(f"{details.get('policy')}/{details.get('limit') or details.get('rule')}")
        assert outcome.faults == [], case.name
        assert set(case.expect.audit or ()) <= done, case.name
        assert list(compare_mark("watermark", case.expect.watermark_audit, outcome.watermark)) == [], case.name
    modes = {file.policy.id: file.policy.effective_mode for file in FILES}
    assert bool(announced) == any(modes[name] == "audit" for name in chosen)


def test_the_index_is_what_the_policies_say() -> None:
    """`python -m tests.support.policy_index` writes it anew."""
    assert policy_index.written() == policy_index.table()


def test_a_config_map_holds_them_with_room_for_an_operators_own() -> None:
    assert sum(len(path.read_bytes()) for path in SHIPPED.glob("*.yaml")) < CONFIG_MAP_BYTES // 4
