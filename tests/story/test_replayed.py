"""What a gateway recorded is enough to decide it again: its own log, replayed, comes to what callers got."""

import pytest

from gateway.policy import archive
from gateway.policy.compile import PolicySet
from gateway.policy.diff.compare import Comparison
from gateway.policy.diff.reader import read_logs
from tests.support.policies import policy as open_policy
from tests.support.running import running
from tests.support.talking import PATHS, ask, policy

RULES = """\
access: {max_n: 4}
rules:
  heat: {when: {temperature: {at_least: 1.5}}, then: deny}
  seeds: {when: {all: [{seed: true}, {not: {verified: true}}]}, then: review}
  words: {when: {text: {phrases: [alpha beta]}}, then: deny, per_request: true}
  via: {when: {headers: {via: "*"}, n: {at_least: 2}}, then: declare}
  scores: {when: {logprobs: true}, then: {reduce: {logprobs: false}}}
  forms: {when: {response_format: json_object, messages: {at_least: 2}}, then: deny}
  noted: {when: {messages: {at_least: 1}}, then: {tag: seen}}
"""
LIMITS = "rph: {unit: requests, per: account, amount: 12, window: 1h}, slots: {unit: concurrent, per: key, amount: 5}"
TWO = [{"role": "user", "content": "one"}, {"role": "user", "content": "two"}]
ASKED = [
    ("chat", {}, ()),
    ("chat", {"temperature": 1.9}, ()),
    ("chat", {"temperature": 1.1}, ()),
    ("chat", {"seed": 5}, ()),
    ("chat", {"messages": [{"role": "user", "content": "an ALPHA  beta"}]}, ()),
    ("chat", {"n": 2}, (b"via: 1.1 proxy",)),
    ("chat", {"n": 2}, ()),
    ("chat", {"n": 5}, ()),
    ("chat", {"logprobs": True, "top_logprobs": 2}, ()),
    ("chat", {"response_format": {"type": "json_object"}, "messages": TWO}, ()),
    ("chat", {"response_format": {"type": "json_object"}}, ()),
    ("messages", {"temperature": 0.5}, ()),
    ("responses", {"temperature": 1.9}, ()),
    ("completions", {"seed": 1}, ()),
    ("embeddings", {}, ()),
    ("chat", {"stream": True}, ()),
    *[("chat", {}, ())] * 6,
]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The folder, the revision in force, and for each request what its caller got."""
    folder = tmp_path_factory.mktemp("gateway")
    settings = {"decision_log": "log.jsonl", "policy_archive": "kept"}
    got = []
    with running(folder, policies=policy(LIMITS, more=RULES), settings=settings) as gateway:
        for dialect, more, headers in ASKED:
            answer = ask(gateway, dialect, headers=headers, **more)
            gateway.settled()
            reduced = answer.header("x-gateway-reduced") is not None
            got.append("refused" if answer.status in (403, 429) else "reduced" if reduced else "served")
        revision = gateway.runtime.snapshot.policies.revision
    return folder, revision, got


def test_every_kind_of_answer_was_given(told):
    _, _, got = told
    assert {answer: got.count(answer) for answer in set(got)} == {"refused": 10, "reduced": 1, "served": 11}


def test_the_log_comes_to_what_callers_got(told):
    folder, revision, got = told
    before = archive.read(folder / "kept", revision)
    comparison = Comparison(before, PolicySet([open_policy("access: {max_n: 99}")]))
    kinds = [comparison.add(line) for line in read_logs([folder / "log.jsonl"])]
    assert kinds == [{"refused": "newly_allowed", "reduced": "eased", "served": "same"}[answer] for answer in got]
    refused_by = comparison.result.rules["newly_allowed"]
    recorded = [line for line in read_logs([folder / "log.jsonl"]) if line.policy]
    assert refused_by == {name: sum(f"{line.policy}/{line.limit}" == name for line in recorded) for name in refused_by}


def test_it_does_not_differ_from_itself(told):
    folder, revision, got = told
    one = archive.read(folder / "kept", revision)
    result = Comparison(one, archive.read(folder / "kept", revision)).add_all(read_logs([folder / "log.jsonl"]))
    assert result.buckets == {"same": len(got)}


def test_all_dialects_that_write_are_in_it():
    assert {dialect for dialect, _, _ in ASKED} == set(PATHS) - {"count_tokens"}
