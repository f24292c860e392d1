"""Cases for rules, access by terms and rules on answers: what a test file can give, and what it can expect."""

from pathlib import Path

import pytest

from gateway.policy.load import read_files
from gateway.policy.paths import definitions_beside, find_files
from gateway.policy.run_cases import Report, run_tests
from gateway.yamlio import YamlProblems

HEAD = "version: 1\nid: p\ntitle: T\nstatus: {status}\nmatch: {match}\n"
SHARED = """version: 1
words: {greetings: [good day]}
terms: {closed: {document: Licence, distillation: forbidden, max_n: 1, reasoning: summary}}
"""
HELLO = "{messages: [{role: user, content: Good  DAY to you}]}"
MODELS = "models: {m: {max_output: 100, family: nano, terms: closed, kind: vllm}, own: {kind: generic}}\n"


def run(tmp_path: Path, policy: str, *cases: str, match: str = "all", status: str = "stable") -> Report:
    (tmp_path / "definitions.yaml").write_text(SHARED)
    (tmp_path / "p.yaml").write_text(HEAD.format(match=match, status=status) + policy)
    rows = "".join(f"- {{name: case, at: '2026-03-02T12:00:00Z', {case}}}\n" for case in cases)
    (tmp_path / "p.test.yaml").write_text(MODELS + "cases:\n" + rows)
    policies, tests = find_files([tmp_path])
    return run_tests(read_files(policies), tests, definitions_beside(policies))


def rule(when: str, then: str = "deny", more: str = "") -> str:
    return f"rules: {{r: {{when: {when}, then: {then}{more}}}}}"


def holds(tmp_path: Path, policy: str, given: str, expect: str, **head: str) -> None:
    report = run(tmp_path, policy, f"given: {given}, expect: {expect}", **head)
    assert [result.failures for result in report.results] == [()]


@pytest.mark.parametrize(
    ("when", "given"),
    [
        ("{text: {words: greetings, in: user}}", f"{{request: {HELLO}}}"),
        ("{text: {phrases: hello}}", "{dialect: completions, request: {prompt: hello, max_tokens: 5}}"),
        ("{text: {phrases: hello}}", "{dialect: messages, ask: {prompt: hello}}"),
        ("{text: {phrases: hello}}", "{dialect: responses, ask: {prompt: hello}}"),
        ("{text: {phrases: hello}}", "{dialect: embeddings, ask: {prompt: hello}}"),
        ("{text: {phrases: hello}}", "{dialect: count_tokens, ask: {prompt: hello}}"),
        ("{tools: {at_least: 1}}", "{request: {messages: [{role: user, content: hi}], tools: [{type: function}]}}"),
        ("{temperature: {below: 0.5}}", "{request: {messages: [{role: user, content: hi}], temperature: 0.1}}"),
        ("{n: {at_least: 3}, logprobs: true}", "{ask: {n: 3, logprobs: true}}"),
        ("{prompt_tokens: {at_least: 500}}", "{ask: {prompt_tokens: 500}}"),
        ("{max_output: {below: 10}}", "{ask: {max_tokens: 9}}"),
        ("{headers: {x-client: 'harvest*'}}", "{headers: {X-Client: Harvester/2}}"),
        ("{address: 203.0.113.0/24}", "{address: 203.0.113.7}"),
        ("{client_country: KP}", "{address: 203.0.113.7, client_country: KP}"),
        ("{account_age: {below: 7d}}", "{account: {age: 3d}}"),
        ("{owner_country: KP}", "{account: {owner_country: KP}}"),
        ("{attested_age: {at_least: 1, below: 18}}", "{account: {attested_age: 12}}"),
        ("{standing: watched}", "{account: {standing: watched}}"),
        ("{terms: {distillation: forbidden}, family: nano}", "{model: m}"),
    ],
)
def test_what_can_be_given(tmp_path: Path, when: str, given: str) -> None:
    asks = ", per_request: true" if "text" in when else ""
    expect = "{action: deny, reason: policy_denied, rule: r, findings: ['p/r: deny']}"
    report = run(
        tmp_path, rule(when, more=asks), f"given: {given}, expect: {expect}", "given: {}, expect: {action: allow}"
    )
    first, plain = report.results
    assert first.failures == ()
    assert plain.failures == ()
    assert report.uncovered == []


@pytest.mark.parametrize(
    ("then", "expect"),
    [
        ("deny", "{action: deny, reason: policy_denied, policy: p, rule: r}"),
        ("review", "{action: review, reason: review_required, findings: ['p/r: review']}"),
        ("declare", "{action: declare, reason: purpose_required}"),
        ("flag", "{action: allow, findings: ['p/r: flag'], tags: [], reduced: [], delay_s: 0}"),
        ("propose_suspension", "{action: allow, findings: ['p/r: propose_suspension']}"),
        ("{tag: campaign}", "{action: allow, tags: campaign, findings: ['p/r: tag']}"),
        ("{slow: 2s}", "{action: allow, delay_s: 2}"),
        ("{reduce: {max_n: 1, max_output_tokens: 50}}", "{action: allow, reduced: n, output_cap: 50}"),
    ],
)
def test_what_can_be_expected(tmp_path: Path, then: str, expect: str) -> None:
    given = "{ask: {n: 2}}"
    holds(tmp_path, rule("{n: {at_least: 2}}", then), given, expect)
    quiet = "{action: allow, findings: [], audit: [p/r], tags: [], reduced: [], delay_s: 0}"
    holds(tmp_path, rule("{n: {at_least: 2}}", then), given, quiet, status="testing")
    report = run(tmp_path, rule("{n: {at_least: 2}}", then), f"given: {{}}, expect: {expect}")
    assert report.failed == 1


def test_what_serves_the_model_decides_how_a_request_is_reduced(tmp_path: Path) -> None:
    request = "request: {messages: [{role: user, content: hi}], reasoning_effort: high}"
    hidden = "[include_reasoning, chat_template_kwargs]"
    report = run(
        tmp_path,
        rule("{reasoning: true}", "{reduce: {reasoning: none}}"),
        f"given: {{{request}}}, expect: {{action: allow, reduced: []}}",
        f"given: {{model: m, {request}}}, expect: {{action: allow, reduced: {hidden}}}",
        f"given: {{model: own, {request}}}, expect: {{action: deny, reason: policy_denied, findings: ['p/r: reduce']}}",
    )
    assert [result.failures for result in report.results] == [()] * 3


def test_earlier_requests_feed_shares_and_go_no_further_where_they_are_refused(tmp_path: Path) -> None:
    policy = rule("{text: {words: greetings}}", "review", ", share: {at_least: 0.5}")
    policy += "\nlimits: {rpd: {unit: requests, per: account, amount: 100, window: 1d}}\n"
    asked = f"history: [{{ago: 1h, times: TIMES, request: {HELLO}}}], request: {HELLO}"
    report = run(
        tmp_path,
        policy,
        # 48 less the 4 that an hour has brought back, and this one.
        f"given: {{{asked.replace('TIMES', '48')}}}, "
        "expect: {action: allow, findings: ['p/r: count'], remaining: {rpd: 55}}",
        f"given: {{{asked.replace('TIMES', '49')}}}, expect: {{action: review}}",
        # From the 50th on they are refused, and that is a history like any other.
        f"given: {{{asked.replace('TIMES', '60')}}}, expect: {{action: review}}",
        # Nobody else's calls count.
        f"given: {{{asked.replace('TIMES', '60, account: other')}}}, expect: {{action: allow}}",
        # What has no body is looked at by no rule.
        f"given: {{history: [{{ago: 1h, times: 60}}], request: {HELLO}}}, expect: {{action: allow}}",
    )
    assert [result.failures for result in report.results] == [()] * 5


def test_usage_is_what_the_history_left(tmp_path: Path) -> None:
    policy = rule("{usage: {limit: p/rpm, at_least: 0.75}}", "{slow: 1s}")
    policy += "\nlimits: {rpm: {unit: requests, per: account, amount: 10, window: 1m}}\n"
    report = run(
        tmp_path,
        policy,
        "given: {history: [{ago: 1s, times: 8}]}, expect: {action: allow, delay_s: 1}",
        "given: {history: [{ago: 1s, times: 7}]}, expect: {action: allow, delay_s: 0}",
        "given: {}, expect: {action: allow, findings: ['p/r: not_evaluated']}",
    )
    assert [result.failures for result in report.results] == [()] * 3


def test_terms_of_the_model(tmp_path: Path) -> None:
    policy = "access: {terms: true}"
    report = run(
        tmp_path,
        policy,
        "given: {model: m, ask: {n: 2}}, expect: {action: deny, rule: access.terms.max_n}",
        "given: {model: other, ask: {n: 2}}, expect: {action: allow}",
    )
    assert [result.failures for result in report.results] == [(), ()]
    assert report.uncovered == []
    assert run(tmp_path, policy, "given: {model: other}, expect: {action: allow}").uncovered == ["p/access.terms"]


ANSWERS = """output:
  held: {text: {phrases: secret word}, how: hold_back, then: stop}
  noted: {text: {words: greetings}, how: after}
"""


@pytest.mark.parametrize(
    ("answer", "expect"),
    [
        (
            "[the sec, 'ret wo', rd is]",
            "{action: allow, answer: stopped, findings: ['p/held: stop', 'p/noted: not_evaluated']}",
        ),
        ("all is well", "{action: allow, answer: whole, findings: []}"),
        ("[good, ' day']", "{action: allow, answer: whole, findings: ['p/noted: flag']}"),
    ],
)  # fmt: skip
def test_rules_on_answers(tmp_path: Path, answer: str, expect: str) -> None:
    holds(tmp_path, ANSWERS, f"{{answer: {answer}}}", expect)


def test_what_could_not_be_evaluated_is_nothing_that_would_have_been_done(tmp_path: Path) -> None:
    unknown = rule("{account_age: {below: 1d}}")
    holds(tmp_path, unknown, "{}", "{action: allow, audit: []}", status="testing")
    holds(tmp_path, unknown, "{account: {age: 3h}}", "{action: allow, audit: [p/r]}", status="testing")


def test_no_answer_comes_of_a_refused_request(tmp_path: Path) -> None:
    policy = ANSWERS + rule("{n: {at_least: 2}}")
    holds(tmp_path, policy, "{ask: {n: 2}, answer: secret word}", "{action: deny, answer: none}")


def test_rules_in_audit_mode_that_read_texts_never_see_a_refused_request(tmp_path: Path) -> None:
    policy = rule("{text: {words: greetings}}", more=", per_request: true")
    other = policy.replace("{r:", "{n: {when: {n: {at_least: 2}}, then: deny}, r:")
    holds(tmp_path, other, f"{{request: {HELLO}}}", "{action: allow, audit: [p/r]}", status="testing")
    report = run(
        tmp_path, other + "\nlimits: {one: {unit: requests, per: account, amount: 1, window: 1d}}",
        f"given: {{request: {HELLO}, history: [{{ago: 1s}}]}}, expect: {{action: allow, audit: [p/one, p/r]}}",
        status="testing",
    )  # fmt: skip
    assert [result.failures for result in report.results] == [()]


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("given: {request: {messages: 1}}, expect: {action: allow}", "given: "),
        ("given: {dialect: chatt}, expect: {action: allow}", "unknown dialect 'chatt', did you mean 'chat'?"),
        (
            "given: {model: m, dialect: completions, request: {prompt: hi, vllm_xargs: {}}}, expect: {action: allow}",
            "vllm_xargs",
        ),
        ("given: {history: [{ago: 1s, request: {messages: 1}}]}, expect: {action: allow}", "history[0]: request: "),
    ],
)
def test_a_request_that_no_policy_would_ever_see_is_the_tests_fault(tmp_path: Path, case: str, says: str) -> None:
    (result,) = run(tmp_path, "access: {max_n: 9}", case).results
    assert says in " ".join(result.failures)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("{address: somewhere}", "expected an address such as 203.0.113.7"),
        ("{client_country: DE}", "client_country goes with address"),
        ("{client_country: germany, address: 203.0.113.7}", "client_country"),
        ("{request: {messages: []}, ask: {n: 2}}", "expected request or ask, not both"),
    ],
)
def test_what_cannot_be_given(tmp_path: Path, given: str, says: str) -> None:
    with pytest.raises(YamlProblems, match=r"p\.test\.yaml") as caught:
        run(tmp_path, "access: {max_n: 9}", f"given: {given}, expect: {{action: allow}}")
    assert says in str(caught.value)


def test_a_failure_shows_what_the_rules_in_question_said(tmp_path: Path) -> None:
    policy = rule("{n: {at_least: 2}, not: {tier: pro}}")
    (result,) = run(tmp_path, policy, "given: {}, expect: {action: deny, rule: r}").results
    assert result.explanation == (
        "no     p/r: deny",
        "        no  all of",
        "          no  n: at_least 2 (found: 1 choices)  [n_out_of_range]",
        "          yes not",
        "            no  tier: pro (found: default)  [tier_not_listed]",
    )
    (other,) = run(tmp_path, policy, "given: {}, expect: {action: deny}", match="{tier: pro}").results
    assert other.explanation == ("p does not cover it: tier: pro (found: default) [tier_not_listed]",)
    (fine,) = run(tmp_path, policy, "given: {}, expect: {action: allow}").results
    assert fine.explanation == ()


def test_a_rule_that_did_nothing_is_not_exercised(tmp_path: Path) -> None:
    unknown = run(tmp_path, rule("{account_age: {below: 1d}}"), "given: {}, expect: {action: allow}")
    assert unknown.uncovered == ["p/r"]
    counted = run(
        tmp_path,
        rule("{n: {at_least: 2}}", more=", share: {at_least: 0.5}"),
        "given: {ask: {n: 2}}, expect: {action: allow}",
    )
    assert counted.uncovered == ["p/r"]
    assert run(tmp_path, ANSWERS, "given: {answer: well}, expect: {action: allow}").uncovered == ["p/held", "p/noted"]
