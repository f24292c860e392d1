"""Cases say what becomes of `watermark` blocks, and fail where something else does."""

from pathlib import Path

import pytest

from gateway.policy.load import read_files
from gateway.policy.paths import find_files
from gateway.policy.run_cases import Report, run_tests
from gateway.yamlio import YamlProblems

POLICY = """version: 1
id: {id}
title: T
status: {status}
match: {{tier: free}}
watermark: {block}
"""
FREE = "given: {account: {tier: free}}"
PRO = "given: {account: {tier: pro}}"


def run(tmp_path: Path, *cases: str, watched: str = "", block: str = "{scheme: pairs, entries: 300}") -> Report:
    """Cases of a policy p in force, and of a policy q in audit mode with the block `watched`."""
    (tmp_path / "p.yaml").write_text(POLICY.format(id="p", status="stable", block=block))
    if watched:
        (tmp_path / "q.yaml").write_text(POLICY.format(id="q", status="testing", block=watched))
    lines = [f"- {{name: case, at: '2026-03-02T12:00:00Z', {case}}}\n" for case in cases]
    (tmp_path / "p.test.yaml").write_text("policies: [p, q]\ncases:\n" if watched else "cases:\n")
    with (tmp_path / "p.test.yaml").open("a") as file:
        file.writelines(lines)
    policies, tests = find_files([tmp_path])
    return run_tests(read_files(policies), tests)


@pytest.mark.parametrize(
    "case",
    [
        f"{FREE}, expect: {{action: allow, watermark: {{scheme: pairs}}}}",
        f"{FREE}, expect: {{action: allow, watermark: {{scheme: pairs, layers: [provider, account], entries: 300}}}}",
        f"{FREE}, expect: {{action: allow, watermark: {{scheme: pairs, registry: false, caller_bias: override}}}}",
        f"{FREE}, expect: {{action: allow, watermark_audit: {{scheme: none}}}}",
        f"{PRO}, expect: {{action: allow, watermark: {{scheme: none, registry: false, receipts: false}}}}",
    ],
)
def test_a_case_that_tells_the_truth_passes(tmp_path: Path, case: str) -> None:
    (result,) = run(tmp_path, case).results
    assert result.failures == ()


@pytest.mark.parametrize(
    ("expect", "says"),
    [
        ("{scheme: none}", "expected watermark.scheme none, found pairs"),
        ("{scheme: pairs, strength: 2}", "expected watermark.strength 2.0, found 1.0"),
        ("{scheme: pairs, layers: account}", "expected watermark.layers ['account'], found ['account', 'provider']"),
        ("{scheme: pairs, entries: all}", "expected watermark.entries all, found 300"),
        ("{scheme: pairs, caller_bias: refuse}", "expected watermark.caller_bias refuse, found override"),
        ("{scheme: pairs, registry: true}", "expected watermark.registry true, found false"),
        ("{scheme: pairs, receipts: true}", "expected watermark.receipts true, found false"),
    ],
)
def test_a_deliberately_wrong_expectation_is_caught_and_explained(tmp_path: Path, expect: str, says: str) -> None:
    (result,) = run(tmp_path, f"{FREE}, expect: {{action: allow, watermark: {expect}}}").results
    assert result.failures == (says,)
    asks = "p/watermark (enforce) asks for a mark of strength 1 (account and provider, at most 300 entries)"
    assert asks in result.explanation


def test_that_nothing_is_kept_can_be_asked_for(tmp_path: Path) -> None:
    case = f"{FREE}, expect: {{action: allow, watermark: {{scheme: pairs, registry: false, receipts: false}}}}"
    (result,) = run(tmp_path, case, block="{scheme: pairs, registry: true}").results
    assert result.failures == ("expected watermark.registry false, found true",)


def test_what_audit_mode_would_add_is_asked_for_by_a_name_of_its_own(tmp_path: Path) -> None:
    both = "watermark: {scheme: pairs, strength: 1}, watermark_audit: {scheme: pairs, strength: 2, registry: true}"
    watched = "{scheme: pairs, strength: 2, registry: true}"
    report = run(tmp_path, f"{FREE}, expect: {{action: allow, audit: [], {both}}}", watched=watched)
    assert [result.failures for result in report.results] == [()]
    assert report.uncovered == []


def test_a_block_that_no_case_asks_after_is_named(tmp_path: Path) -> None:
    plain = f"{FREE}, expect: {{action: allow}}"
    elsewhere = f"{PRO}, expect: {{action: allow, watermark: {{scheme: none}}}}"
    assert run(tmp_path, plain, elsewhere).uncovered == ["p/watermark"]
    asked = f"{FREE}, expect: {{action: allow, watermark: {{scheme: pairs}}}}"
    assert run(tmp_path, plain, asked).uncovered == []
    audit_alone = f"{FREE}, expect: {{action: allow, watermark_audit: {{scheme: none}}}}"
    assert run(tmp_path, audit_alone).uncovered == ["p/watermark"]


def test_a_case_needs_a_scheme(tmp_path: Path) -> None:
    with pytest.raises(YamlProblems, match=r"missing key 'cases\[0\].expect.watermark.scheme'"):
        run(tmp_path, f"{FREE}, expect: {{action: allow, watermark: {{strength: 1}}}}")
