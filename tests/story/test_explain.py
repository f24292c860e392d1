"""`gateway policy explain` and the cases of `gateway policy test` beside a running gateway: what they say, it does."""

import argparse
import json

import pytest

from gateway.cli import policy
from gateway.identity.entries import Body, moment_text
from gateway.policy.cases import CaseFile
from gateway.policy.compile import load_policies
from gateway.policy.trial import run_case
from gateway.validate import build
from tests.support.administering import done
from tests.support.recording import recording
from tests.support.running import ACCOUNTS, PRICES, running
from tests.support.talking import HELLO, ask

HEAD = "version: 1\nid: {}\ntitle: Policy {}\nstatus: stable\n"
POLICIES = {
    "access": "match: all\naccess: {max_n: 4, models: ['sim-*']}\n",
    "rules": """match: {not: {tier: enterprise}}
rules:
  wish: {when: {text: {phrases: a forbidden wish}}, then: review, per_request: true}
  many: {when: {n: {at_least: 3}}, then: deny}
  tools: {when: {tools: {at_least: 1}, logprobs: false}, then: declare}
  client: {when: {headers: {x-client: 'harvest*'}}, then: {reduce: {max_n: 1, max_output_tokens: 50}}}
""",
    "watched": "match: {standing: watched}\nrules: {stop: {when: {n: {at_least: 1}}, then: deny}}\n",
    "few": "match: {tier: free}\nlimits: {rpd: {unit: requests, per: account, amount: 2, window: 1d}}\n",
    "small": "match: {tier: developer}\n"
    "limits: {out: {unit: output_tokens, per: account, amount: 300, window: 1d}}\naccess: {max_output_tokens: 290}\n",
    "looks": """mode: audit
match: all
rules:
  n: {when: {n: {at_least: 1}}, then: deny}
  words: {when: {text: {phrases: [forbidden wish, hi]}}, then: deny, per_request: true}
""",
}
WISH = {"messages": [{"role": "user", "content": "this is A  Forbidden WISH"}]}
TOOLS = {"tools": [{"type": "function", "function": {"name": "f"}}]}
REQUESTS = [
    ({}, "acme", ()),
    ({}, "globex", ()),
    (WISH, "acme", ()),
    (WISH, "globex", ()),
    ({**WISH, "n": 3}, "acme", ()),
    ({**TOOLS, "n": 2}, "acme", ()),
    ({**TOOLS, "logprobs": True}, "acme", ()),
    ({"n": 9}, "globex", ()),
    ({"n": 9, **WISH}, "acme", ()),
    ({"max_tokens": 200, "n": 2}, "acme", ()),
    ({"max_tokens": 200, "n": 2}, "acme", ("x-client: Harvester/1",)),
    ({"max_tokens": 9}, "ada", ()),
    ({"max_tokens": 9}, "ada", ()),
    ({"max_tokens": 9}, "ada", ()),
]


@pytest.fixture
def scene(tmp_path, monkeypatch):
    policies = {name: HEAD.format(name, name) + text for name, text in POLICIES.items()}
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
    monkeypatch.delenv("GATEWAY_ADMIN_TOKEN_FILE", raising=False)
    with recording() as upstream, running(tmp_path, upstream=upstream.url + "/v1", policies=policies) as gateway:
        monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", gateway.admin_token)
        yield gateway, tmp_path


def explain(capsys, *words):
    parser = argparse.ArgumentParser(prog="gateway")
    policy.add_parser(parser.add_subparsers(dest="command"))
    assert policy.run(parser.parse_args(["policy", "explain", *map(str, words)])) == 0
    return capsys.readouterr().out


def request_words(gateway, folder, account, body, headers):
    (folder / "body.json").write_text(json.dumps({"model": "sim-small", "messages": HELLO, **body}))
    live = f"http://127.0.0.1:{gateway.gateway.admin_port}"
    words = ["--config", folder / "gateway.yaml", "--admin-url", live, "--account", account]
    words += ["--request", folder / "body.json", "--key", gateway.keys[account][6:].partition("_")[0]]
    return [*words, *(word for line in headers for word in ("--header", line.replace(": ", "=")))]


def test_it_says_what_the_gateway_does(scene, capsys):
    gateway, folder = scene
    seen = set()
    for body, account, headers in REQUESTS:
        words = request_words(gateway, folder, account, body, headers)
        said = json.loads(explain(capsys, *words, "--json"))["decision"]
        answer = ask(gateway, key=gateway.keys[account], headers=tuple(line.encode() for line in headers), **body)
        gateway.settled()
        error = answer.json().get("error", {})
        metadata = error.get("metadata", {})
        name = metadata.get("rule") or metadata.get("limit")
        by = f"{metadata['policy']}/{name}" if name else ""
        assert (said["reason"], said["by"]) == (error.get("code") or "", by), (body, account)
        assert (answer.status == 200) is (said["action"] == "allow")
        if answer.status == 200:
            assert said["unknown"] == []
        seen.add(said["reason"])
    assert seen == {
        "", "review_required", "policy_denied", "purpose_required", "request_exceeds_limit", "rate_limit_exceeded",
    }  # fmt: skip


def test_a_case_comes_to_what_the_gateway_does(scene):
    gateway, folder = scene
    policies = load_policies(folder / "policies")
    served = dict.fromkeys(gateway.keys, 0)
    for body, account, headers in REQUESTS:
        case, models = a_case(body, account, headers, served[account])
        outcome = run_case(case, policies, models)
        answer = ask(gateway, key=gateway.keys[account], headers=tuple(line.encode() for line in headers), **body)
        gateway.settled()
        record = gateway.records()[0]
        details = outcome.refusal.details if outcome.refusal is not None else {}
        decided = (details.get("policy", ""), details.get("limit") or details.get("rule") or "")
        assert decided == (record.policy, record.limit), (body, account)
        assert (outcome.refusal.reason.code if outcome.refusal is not None else "") == record.reason
        found = {(one.policy_id, one.rule, one.action, one.mode) for one in outcome.findings}
        assert found == {(one.policy, one.rule, one.action, one.mode) for one in record.findings}, (body, account)
        assert ", ".join(outcome.reduced) == (answer.header("x-gateway-reduced") or "")
        if answer.status == 200:
            served[account] += 1
            # How long earlier answers were the case was not told: requests alone can be compared.
            left = {one.limit: one.remaining for one in record.limits if one.unit == "requests"}
            told = ((limit.name, reading) for limit, reading in outcome.readings if limit.spec.unit == "requests")
            assert {name: reading.remaining for name, reading in told} == left


def a_case(body, account, headers, earlier):
    """The same request as a case, and its model; earlier ones that were served as its history."""
    given = {
        "account": {"id": account, "tier": ACCOUNTS[account]},
        "model": "sim-small",
        "request": {"messages": HELLO, **body},
        "headers": dict(line.split(": ") for line in headers),
        "history": [{"ago": "1s", "times": earlier}] if earlier else [],
    }
    case = {"name": "the same", "at": "2026-03-02T12:00:00Z", "given": given, "expect": {"action": "allow"}}
    file = build(Body({"models": {"sim-small": {"prices": PRICES}}, "cases": [case]}), CaseFile)
    return file.cases[0], file.models


def test_what_people_decided_is_asked_of_the_gateway(scene, capsys):
    gateway, folder = scene
    words = request_words(gateway, folder, "acme", WISH, ())
    assert explain(capsys, *words).startswith("REFUSED (review) by rules/wish")
    end = {"reason": "case 71", "until": moment_text(gateway.runtime.clock.now_ms() + 3_600_000)}
    done(gateway, "PUT", "accounts/acme/standing", {**end, "standing": "watched"})
    assert explain(capsys, *words).startswith("REFUSED (deny) by watched/stop")
    done(gateway, "PUT", "switches/watched", end)
    done(gateway, "PUT", "switches/rules", end)
    said = explain(capsys, *words)
    assert said.startswith("ALLOWED")
    assert "  rules: switched off by tester until" in said


def test_a_decision_is_explained_by_its_id(scene, capsys):
    gateway, folder = scene
    ask(gateway, **WISH)
    gateway.settled()
    record = gateway.records()[0]
    live = ["--config", folder / "gateway.yaml", "--admin-url", f"http://127.0.0.1:{gateway.gateway.admin_port}"]
    said = explain(capsys, record.id, *live)
    assert said.startswith("REFUSED by rules/wish: review_required (status 403)")
    assert "text: phrases a forbidden wish" in said
    assert "decided, and is that of the folder" in said
    # The text itself is nowhere any more; that the condition held was written down.
    assert "?   text: phrases a forbidden wish  [not_recorded]" in said
    assert "rules/wish refused it until a person has looked  [review_required]" in said
    ask(gateway, n=3)
    gateway.settled()
    many = explain(capsys, gateway.records()[0].id, *live)
    assert many.startswith("REFUSED by rules/many: policy_denied")
    assert "yes n: at_least 3 (found: 3 choices)  [n_in_range]" in many
    (folder / "log.jsonl").write_bytes(b"".join(one.as_line() for one in gateway.records()))
    assert explain(capsys, record.id, *live[:2], "--records", folder / "log.jsonl") == said


@pytest.mark.parametrize(
    ("words", "body", "says"),
    [
        (["--dialect", "chat"], {"vllm_xargs": {}}, "unsupported_field"),
        (["--dialect", "embeddings"], {"input": "hi", "messages": 1}, "unsupported_field"),
    ],
)
def test_what_no_policy_is_asked_about(scene, capsys, words, body, says):
    gateway, folder = scene
    parser = argparse.ArgumentParser(prog="gateway")
    policy.add_parser(parser.add_subparsers(dest="command"))
    asked = ["policy", "explain", *map(str, request_words(gateway, folder, "acme", body, ())), *words]
    assert policy.run(parser.parse_args(asked)) == 2
    assert says in capsys.readouterr().err
