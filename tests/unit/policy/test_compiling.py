"""What a policy refers to and cannot have is reported at the very item, in the file where it stands."""

import pytest

from gateway.policy.compile import check_names, compile_files
from gateway.policy.extent import MAX_CRITERIA, MAX_NESTED
from gateway.policy.load import PolicyFile
from gateway.texts.index import MAX_LITERALS
from gateway.yamlio import YamlProblems
from tests.support.policies import policy_file, shared

RULE = "rules:\n  r:\n    then: flag\n    when:\n      any:\n        - seed: true\n        - {}\n"
LONG = "x" * 1001


def problems(file: PolicyFile, definitions: str = "") -> list[str]:
    with pytest.raises(YamlProblems) as caught:
        compile_files([file], shared(definitions))
    with pytest.raises(YamlProblems) as checked:
        check_names([file], shared(definitions))
    assert checked.value.problems == caught.value.problems
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("criterion", "place", "said"),
    [
        (f"text: {{phrases: [fine, {LONG}]}}", "12:34", "a phrase is longer than 1000"),
        (f"text: {{phrases: {LONG}}}", "12:27", "a phrase is longer than 1000"),
        ("text: {patterns: [fine, '(', '[']}", "12:35", "RE2 cannot read the expression"),
        ("text: {patterns: [fine, 'x*']}", "12:35", "it matches an empty one"),
        ("text: {patterns: ['a{1000}{1000}']}", "12:29", "RE2 cannot read"),
        (r"text: {patterns: ['\Ax']}", "12:29", "write ^ for"),
        ("text: {patterns: ['(?=x)x']}", "12:29", "RE2 cannot read"),
        ("text: {words: [w, v]}", "12:29", "unknown word list 'v', expected one of: w"),
        ("use: lost", "12:16", "unknown fragment 'lost', did you mean 'last'?"),
    ],
)
def test_a_fault_of_a_policy_stands_at_the_item(criterion: str, place: str, said: str) -> None:
    (problem,) = problems(policy_file(RULE.format(criterion)), "words: {w: [x]}\nfragments: {last: {tier: free}}\n")
    assert problem.startswith(f"p.yaml:{place}: ")
    assert said in problem


@pytest.mark.parametrize(
    ("definitions", "place", "said"),
    [
        (f"words:\n  w: [fine, {LONG}]\n", "3:13", "a phrase is longer"),
        ("fragments:\n  f:\n    text: {patterns: [fine, '(']}\n", "4:29", "RE2 cannot read"),
        ("fragments:\n  f: {not: {text: {words: [x]}}}\n", "3:28", "unknown word list 'x'"),
        ("fragments:\n  f: {use: g}\n", "3:12", "unknown fragment 'g'"),
        ("fragments:\n  f:\n    all:\n      - use: f\n", "5:14", "fragment 'f' uses itself"),
    ],
)
@pytest.mark.parametrize("used", [True, False])
def test_a_fault_of_definitions_stands_there_once_used_or_not(
    definitions: str, place: str, said: str, used: bool
) -> None:
    kind = definitions[0]
    criterion = {"w": "text: {words: w}", "f": "use: f"}[kind]
    file = policy_file(
        (RULE.format(criterion) + RULE.format(criterion).replace("rules:\n  r:", "  s:")) if used else ""
    )
    (problem,) = problems(file, definitions)
    assert problem.startswith(f"definitions.yaml:{place}: ")
    assert said in problem


def test_a_fault_of_an_output_rule_stands_at_the_item() -> None:
    text = "output:\n  o:\n    how: after\n    text:\n      patterns:\n        - fine\n        - ')'\n"
    (problem,) = problems(policy_file(text))
    assert problem.startswith("p.yaml:12:11: RE2 cannot read")


def test_fragments_that_double_every_time_are_refused_before_anything_walks_over_them() -> None:
    lines = [f"  f{n:02}: {{any: [{{use: f{n + 1:02}}}, {{use: f{n + 1:02}}}]}}\n" for n in range(30)]
    found = problems(policy_file(), "fragments:\n" + "".join(lines) + "  f30: {seed: true}\n")
    assert f"definitions.yaml:22:3: more than {MAX_CRITERIA} criteria, fragments written out" in found


def test_a_long_chain_of_fragments_is_refused() -> None:
    chain = "".join(f"  f{n:05}: {{not: {{use: f{n + 1:05}}}}}\n" for n in range(3000)) + "  f03000: {seed: true}\n"
    found = problems(policy_file(), "fragments:\n" + chain)
    assert found
    assert all(f"nested deeper than {MAX_NESTED}" in one for one in found)
    turned = "".join(reversed(chain.splitlines(keepends=True)))
    assert all(f"nested deeper than {MAX_NESTED}" in one for one in problems(policy_file(), "fragments:\n" + turned))


def test_too_many_words_of_all_policies_together_are_a_problem_and_no_crash() -> None:
    text = "rules: {{r: {{when: {{text: {{phrases: [{}]}}}}, then: flag}}}}\n"
    half = MAX_LITERALS // 2 + 1
    files = [
        policy_file(text.format(", ".join(f"{name}{n}" for n in range(half))), id=name, status="testing")
        for name in "pq"
    ]
    with pytest.raises(YamlProblems, match="with all policies: there are more than"):
        compile_files(files)
    compile_files(files[:1])
