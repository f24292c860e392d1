"""What rules take out of requests: what the upstream gets, what the caller reads, what is reserved and charged."""

from contextlib import ExitStack

import pytest

from tests.support.ruled import WORDS, Scene, error_of, rules
from tests.support.talking import code, policy, used

REDUCTIONS = {
    "one": "{reduce: {max_n: 1}}", "short": "{reduce: {max_output_tokens: 4}}", "plain": "{reduce: {logprobs: false}}",
    "less": "{reduce: {reasoning: less}}", "hidden": "{reduce: {reasoning: none}}",
    "all-less": "{reduce: {max_n: 1, logprobs: false, max_output_tokens: 4}}",
}  # fmt: skip
MONEY = "money: {unit: usd, per: account, amount: 1000, period: month}"


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    with ExitStack() as stack:
        yield Scene(stack, tmp_path_factory.mktemp("gateway"), policy(name="ladder", more=rules(**REDUCTIONS)))


@pytest.mark.parametrize(("dialect", "want", "asked", "forwarded", "named"), [
    ("chat", "one", {"n": 3}, {"n": 1}, "n"),
    ("completions", "one", {"n": 3, "best_of": 4}, {"n": 1, "best_of": 1}, "n, best_of"),
    ("chat", "plain", {"logprobs": True, "top_logprobs": 5}, {"logprobs": None, "top_logprobs": None},
     "logprobs, top_logprobs"),
    ("completions", "plain", {"logprobs": 5}, {"logprobs": None}, "logprobs"),
    ("responses", "plain", {"top_logprobs": 5, "include": ["message.output_text.logprobs"]},
     {"top_logprobs": None, "include": None}, "top_logprobs, include"),
    ("chat", "less", {"reasoning_effort": "high"}, {"reasoning_effort": "low"}, "reasoning_effort"),
    ("responses", "less", {"reasoning": {"effort": "high"}}, {"reasoning": {"effort": "low"}}, "reasoning"),
    ("responses", "hidden", {"reasoning": {"summary": "auto"}}, {"reasoning": None}, "reasoning"),
    ("messages", "less", {"thinking": {"type": "enabled", "budget_tokens": 4000}, "max_tokens": 5000},
     {"thinking": {"type": "enabled", "budget_tokens": 1024}}, "thinking"),
    ("messages", "hidden", {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 5000},
     {"thinking": {"type": "enabled", "budget_tokens": 1024, "display": "omitted"}}, "thinking"),
    ("chat", "all-less", {"n": 3, "logprobs": True}, {"n": 1, "logprobs": None, "max_completion_tokens": 4},
     "logprobs, n"),
])  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_taken_out_is_not_forwarded_and_named(scene, dialect, want, asked, forwarded, named, stream):
    if stream and asked.get("best_of"):
        asked, forwarded, named = {"n": 3}, {"n": 1}, "n"
    answer = scene.ask(dialect, want, stream=stream, **asked)
    assert (answer.status, scene.reached) == (200, 1)
    assert sorted(answer.header("x-gateway-reduced").split(", ")) == sorted(named.split(", "))
    assert {name: scene.sent.get(name) for name in forwarded} == forwarded
    assert scene.findings == [(want, "reduce", "enforce", "request_reduced")]
    assert scene.ask(dialect, want, stream=stream).header("x-gateway-reduced") is None, "nothing to take out"


@pytest.mark.parametrize(("dialect", "field"), [
    ("chat", "max_tokens"), ("chat", "max_completion_tokens"), ("completions", "max_tokens"),
    ("responses", "max_output_tokens"), ("messages", "max_tokens"),
])  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_a_lower_output_cap_is_forwarded_and_named(scene, dialect, field, stream):
    answer = scene.ask(dialect, "short", stream=stream, **{field: 9})
    assert (answer.status, answer.header("x-gateway-output-cap"), scene.sent[field]) == (200, "4", 4)
    answer = scene.ask(dialect, "short", stream=stream, **{field: 3})
    assert (answer.header("x-gateway-output-cap"), scene.sent[field]) == (None, 3)


@pytest.mark.parametrize("dialect", ["embeddings", "count_tokens"])
@pytest.mark.parametrize("want", ["one", "plain", "less", "hidden", "all-less"])
def test_routes_that_write_nothing_are_never_reduced_or_refused(scene, dialect, want):
    sent = scene.ask(dialect) and scene.sent
    answer = scene.ask(dialect, want)
    assert (answer.status, scene.sent, answer.header("x-gateway-reduced")) == (200, sent, None)


def test_the_reduced_request_is_what_is_reserved_and_charged(tmp_path):
    with ExitStack() as stack:
        scene = Scene(stack, tmp_path, policy(budgets=MONEY, more=rules(**REDUCTIONS)))
        scene.ask(n=3, max_tokens=100)
        whole = scene.record
        scene.ask(want="all-less", n=3, max_tokens=100)
        less = scene.record
        assert (whole.reserved_output_tokens, less.reserved_output_tokens) == (300, 4)
        saved = whole.reserved_nano_usd - less.reserved_nano_usd
        assert saved == (300 - 4) * 2000
        assert used(scene.gateway)["money"] == whole.cost_nano_usd + less.cost_nano_usd


def test_a_request_that_cannot_be_reduced_so_far_is_refused_in_the_name_of_the_policy(tmp_path):
    more = rules(one="{reduce: {max_n: 1}}", hidden="{reduce: {reasoning: none}}") + WORDS
    with ExitStack() as stack:
        generic = {"kind": "generic"}
        scene = Scene(stack, tmp_path, policy(name="ladder", more=more), upstream_settings=generic)
        answer = scene.ask(want="hidden")
        error, details = error_of(answer, "chat")
        assert (answer.status, code(answer), scene.reached) == (403, "policy_denied", 0)
        assert (details["policy"], details["rule"], details["clause"]) == ("ladder", "hidden", "Terms, 4")
        assert error["message"].endswith(". Ask us first (contact: trust@example.com)")
        assert scene.record.policy == "ladder"
        assert scene.ask(want="one", n=2).status == 200
