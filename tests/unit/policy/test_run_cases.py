from pathlib import Path

import pytest

from gateway.policy.load import read_files
from gateway.policy.paths import find_files
from gateway.policy.run_cases import Report, rules_of, run_tests
from gateway.yamlio import YamlProblems
from tests.support.policies import policy

POLICY = """version: 1
id: {id}
title: T
status: {status}
match: all
limits:
  rpm: {{unit: requests, per: account, amount: 2, window: 1m}}
  open: {{unit: concurrent, per: account, amount: 1}}
budgets:
  usd: {{unit: usd, per: org, amount: 1, period: month}}
access: {{max_n: 2, max_output_tokens: 100, logprobs: true}}
"""
HEAD = "models: {m: {prices: {input: 1, output: 2}}, free: {prices: {input: 0, output: 0}}}\ncases:\n"
TWICE = "{ago: 1s, times: 2}"
GIVEN = "model: m, ask: {prompt_tokens: 100, max_tokens: 50}"


def run(tmp_path: Path, *cases: str, status: str = "stable", head: str = HEAD) -> Report:
    """Cases are (given, expect) in flow style, at noon."""
    (tmp_path / "p.yaml").write_text(POLICY.format(id="p", status=status))
    text = head + "".join(f"- {{name: case, at: '2026-03-02T12:00:00Z', {case}}}\n" for case in cases)
    (tmp_path / "p.test.yaml").write_text(text)
    policies, tests = find_files([tmp_path])
    return run_tests(read_files(policies), tests)


def failures(tmp_path: Path, case: str, **options: str) -> tuple[str, ...]:
    (result,) = run(tmp_path, case, **options).results
    return result.failures


@pytest.mark.parametrize(
    "case",
    [
        f"given: {{{GIVEN}}}, expect: {{action: allow, output_cap: 100, remaining: {{rpm: 1, usd: '0.9998'}}}}",
        f"given: {{{GIVEN}}}, expect: {{action: allow, remaining: {{p/rpm: 1}}, audit: []}}",
        f"given: {{{GIVEN}, history: [{TWICE}]}}, expect: {{action: deny, limit: rpm, retry_after_s: 29}}",
        "given: {model: unpriced}, expect: {action: deny, reason: price_unknown}",
        "given: {model: free}, expect: {action: allow}",
        "given: {model: m, ask: {n: 3}}, expect: {action: deny, policy: p, rule: access.max_n}",
    ],
)
def test_a_case_that_tells_the_truth_passes(tmp_path: Path, case: str) -> None:
    assert failures(tmp_path, case) == ()


@pytest.mark.parametrize(
    ("case", "says"),
    [
        (f"given: {{{GIVEN}}}, expect: {{action: deny}}", "expected deny, found allow"),
        ("given: {model: m, ask: {n: 3}}, expect: {action: allow}", "expected allow, found deny: policy 'T' allows"),
        ("given: {model: m, ask: {n: 3}}, expect: {action: deny, reason: other}", "expected reason other"),
        ("given: {model: m, ask: {n: 3}}, expect: {action: deny, policy: q}", "expected policy q, found p"),
        ("given: {model: m, ask: {n: 3}}, expect: {action: deny, limit: rpm}", "expected limit rpm, found none"),
        ("given: {model: m, ask: {n: 3}}, expect: {action: deny, retry_after_s: 1}", "retry_after_s 1, found none"),
        (f"given: {{{GIVEN}}}, expect: {{action: allow, output_cap: 99}}", "expected output_cap 99, found 100"),
        (f"given: {{{GIVEN}}}, expect: {{action: allow, remaining: {{rpm: 2}}}}", "remaining rpm 2, found 1"),
        (f"given: {{{GIVEN}}}, expect: {{action: allow, remaining: {{usd: 1}}}}", "remaining usd 1, found $0.9998"),
        (f"given: {{{GIVEN}}}, expect: {{action: allow, remaining: {{usd: x}}}}", "an amount of dollars"),
        (f"given: {{{GIVEN}}}, expect: {{action: allow, remaining: {{rmp: 1}}}}", "no limit 'rmp', did you mean"),
        (f"given: {{{GIVEN}}}, expect: {{action: allow, audit: [p/rpm]}}", "expected audit ['p/rpm'], found []"),
        (f"given: {{{GIVEN}, history: [{{ago: 1s, times: 3}}]}}, expect: {{action: deny}}", "history[0]: the policies"),
        (f"given: {{{GIVEN}, history: [{{times: 1}}]}}, expect: {{action: allow}}", "either `ago` or `at`"),
        (
            f"given: {{{GIVEN}, history: [{{ago: 1s, times: 2, every: 2s}}]}}, expect: {{action: allow}}",
            "no use after the case",
        ),
    ],
)
def test_a_deliberately_wrong_expectation_is_caught(tmp_path: Path, case: str, says: str) -> None:
    assert says in " ".join(failures(tmp_path, case))


def test_audit_mode_is_seen_and_refuses_nothing(tmp_path: Path) -> None:
    case = (
        f"given: {{{GIVEN.replace('max_tokens', 'n: 3, max_tokens')}, history: [{{ago: 1s, times: 9}}]}}, "
        "expect: {action: allow, audit: [p/rpm, p/access.max_n]}"
    )
    assert failures(tmp_path, case, status="testing") == ()


def test_open_requests_hold_their_slots_and_other_accounts_their_own_limits(tmp_path: Path) -> None:
    held = "{ago: 10m, open: true}"
    assert failures(tmp_path, f"given: {{{GIVEN}, history: [{held}]}}, expect: {{action: deny, limit: open}}") == ()
    other = "{ago: 1s, times: 2, account: other, amounts: {usd: 0.25}}"
    case = (
        f"given: {{account: {{org: o}}, {GIVEN}, history: [{other}]}}, expect: {{action: allow, remaining: REMAINING}}"
    )
    assert failures(tmp_path, case.replace("REMAINING", "{rpm: 1, usd: 0.4998}")) == ()


def test_rules_that_no_case_reaches_are_named(tmp_path: Path) -> None:
    report = run(
        tmp_path,
        f"given: {{{GIVEN}}}, expect: {{action: allow, output_cap: 100, remaining: {{usd: '0.9998'}}}}",
        "given: {model: m, ask: {n: 3}}, expect: {action: deny}",
        f"given: {{{GIVEN}}}, expect: {{action: deny, remaining: {{open: 0}}}}",
    )
    assert report.failed == 1
    assert not report.passed
    assert report.uncovered == ["p/rpm", "p/open"]


def test_zero_cases_prove_nothing(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(POLICY.format(id="p", status="stable"))
    report = run_tests(read_files([tmp_path / "p.yaml"]), [])
    assert not report.passed
    assert report.uncovered == rules_of(policy(POLICY.split("match: all\n")[1].replace("{{", "{").replace("}}", "}")))


def test_policies_under_test_are_chosen_by_name(tmp_path: Path) -> None:
    case = f"given: {{{GIVEN}}}, expect: {{action: allow}}"
    (tmp_path / "q.yaml").write_text(POLICY.format(id="q", status="stable").replace("max_n: 2", "models: none"))
    assert failures(tmp_path, case) == ()
    assert "does not allow the model" in failures(tmp_path, case, head="policies: all\n" + HEAD)[0]
    assert "does not allow the model" in failures(tmp_path, case, head="policies: [q]\n" + HEAD)[0]
    with pytest.raises(YamlProblems, match=r"p\.test\.yaml:1:\d+: unknown policy 'qq', did you mean 'q'"):
        run(tmp_path, case, head="policies: [qq]\n" + HEAD)
    (tmp_path / "alone.test.yaml").write_text(
        HEAD + "- {name: n, at: '2026-03-02T12:00:00Z', given: {}, expect: {action: allow}}"
    )
    with pytest.raises(YamlProblems, match=r"no policy file alone\.yaml beside it"):
        run(tmp_path, case)


def test_a_policy_that_is_off_has_no_rules() -> None:
    assert rules_of(policy("access: {max_n: 1}\nmode: off")) == []
