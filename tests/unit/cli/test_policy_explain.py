import argparse
import io
import json
import sys
from pathlib import Path

import pytest

from gateway.cli import policy
from gateway.policy import archive
from gateway.policy.compile import load_policies
from gateway.yamlio import load_file

POLICY = """version: 1
id: p
title: T
status: stable
match: {tier: free}
limits: {rpm: {unit: requests, per: account, amount: 2, window: 1m}}
rules:
  words: {when: {text: {phrases: forbidden fruit}}, then: deny, per_request: true}
  from: {when: {client_country: KP}, then: review}
  client: {when: {headers: {x-client: "harvest*"}}, then: declare}
"""
ACCOUNTS = """orgs: {labs: {suspended: true}}
accounts: {ada: {tier: free}, bob: {tier: pro}, eve: {tier: free, org: labs}}
"""
MODELS = "models: {m: {upstreams: [u], context: 99, max_output: 9, aliases: [nick]}}\n"
BODY = {"model": "nick", "messages": [{"role": "user", "content": "a FORBIDDEN fruit, privately"}]}
RECORD = {
    "id": "req-7", "status": 403, "outcome": "refused", "reason": "policy_denied", "policy": "p", "limit": "words",
    "revision": "0123456789ab", "findings": [], "limits": [],
}  # fmt: skip


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("GATEWAY_CONFIG", "GATEWAY_ADMIN_TOKEN", "GATEWAY_ADMIN_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "p.yaml").write_text(POLICY)
    (tmp_path / "accounts.yaml").write_text(ACCOUNTS)
    (tmp_path / "models.yaml").write_text(MODELS)
    (tmp_path / "body.json").write_text(json.dumps(BODY))
    (tmp_path / "log.jsonl").write_text("not JSON with req-7\n" + json.dumps(RECORD) + "\n")
    return tmp_path


def explain(files: Path, *words: str, account: str = "ada") -> int:
    given = ["--policies", files / "policies", "--accounts", files / "accounts.yaml", "--models", files / "models.yaml"]
    return run(*map(str, given), "--account", account, *words)


def run(*words: str) -> int:
    parser = argparse.ArgumentParser(prog="gateway")
    policy.add_parser(parser.add_subparsers(dest="command"))
    return policy.run(parser.parse_args(["policy", "explain", *words]))


def first(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.splitlines()[0]


def test_a_request_in_a_file_or_on_standard_input(
    files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert explain(files, "--request", str(files / "body.json")) == 0
    said = capsys.readouterr()
    assert said.out.startswith("REFUSED (deny) by p/words: policy_denied\n")
    assert "model m, dialect chat" in said.out
    assert "privately" not in said.out
    assert said.err == ""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(BODY).encode())))
    assert explain(files, "--request", "-") == 0
    assert first(capsys) == "REFUSED (deny) by p/words: policy_denied"


def test_without_a_request_it_says_so(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(files, "--model", "m") == 0
    said = capsys.readouterr()
    assert said.out.startswith("ALLOWED\n")
    assert "no --request" in said.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--address", "203.0.113.7", "--client-country", "KP"], "REFUSED (review) by p/from: review_required"),
        (["--address", "203.0.113.7", "--client-country", "DE"], "ALLOWED"),
        (["--client-country", "KP"], "ALLOWED"),
        (["--header", "X-Client=Harvester/1"], "REFUSED (declare) by p/client: purpose_required"),
        (["--header", "X-Client=other"], "ALLOWED"),
        (["--dialect", "messages"], "ALLOWED"),
    ],
)
def test_what_else_a_request_has(files: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str) -> None:
    assert explain(files, "--model", "m", *words) == 0
    assert first(capsys) == says


def test_who_and_when(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["--model", "m", "--at", "2026-03-02T12:00:00Z"]
    assert explain(files, *at, "--key", "k9", account="bob") == 0
    out = capsys.readouterr().out
    assert "account bob (org bob, tier pro), key k9" in out
    assert "at 2026-03-02T12:00:00.000Z" in out
    assert "  p: tier: free (found: pro)  [tier_not_listed]" in out
    assert explain(files, *at, account="eve") == 0
    assert first(capsys) == "REFUSED (deny): account_suspended"


def test_as_json(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(files, "--request", str(files / "body.json"), "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["decision"]["by"] == "p/words"
    (said,) = document["policies"]
    assert [(rule["id"], rule["says"]) for rule in said["rules"]] == [
        ("p/client", "fails"), ("p/from", "not_evaluated"), ("p/words", "holds"),
    ]  # fmt: skip
    assert said["rules"][2]["condition"]["code"] == "text_found"
    assert document["limits"][0]["remaining"] is None
    assert "privately" not in json.dumps(document)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--model", "mm"], "unknown model 'mm', did you mean 'm'?"),
        ([], "expected --model, or a --request that names one"),
        (["--request", "nowhere.json"], "nowhere.json: No such file"),
        (["--config", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["--model", "m", "--admin-url", "http://127.0.0.1:1"], "a running gateway is asked by --admin-url"),
    ],
)
def test_wrong_usage(files: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str) -> None:
    assert explain(files, *words) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"model": "m", "model": "m"}', "duplicate key"),
        ("[]", "expected a JSON object"),
        ('{"model": "m", "messages": 1}', "--request: 'messages'"),
    ],
)
def test_a_body_that_no_policy_would_ever_see(
    files: Path, capsys: pytest.CaptureFixture[str], body: str, says: str
) -> None:
    (files / "body.json").write_text(body)
    assert explain(files, "--request", str(files / "body.json")) == 2
    assert says in capsys.readouterr().err


def test_more_wrong_usage(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(files, "--model", "m", account="adda") == 2
    assert "unknown account 'adda', did you mean 'ada'?" in capsys.readouterr().err
    assert run("--account", "ada", "--model", "m") == 2
    assert "expected --config, or both --policies and --models" in capsys.readouterr().err
    for words in (["--header", "x"], ["--at", "noon"], ["--address", "here"], ["--client-country", "de"]):
        with pytest.raises(SystemExit, match="2"):
            explain(files, *words)


def test_a_policy_that_cannot_be_read(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "policies" / "p.yaml").write_text(POLICY + "limit: {}\n")
    assert explain(files, "--model", "m") == 1
    assert "p.yaml:11:1: unknown key 'limit'" in capsys.readouterr().err


def test_a_decision_of_a_log(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = ["--records", str(files / "log.jsonl")]
    assert run("req-7", *log) == 0
    said = capsys.readouterr().out
    assert said.startswith(
        "REFUSED by p/words: policy_denied (status 403)\n  policies: decided by revision 0123456789ab"
    )
    assert run("req-7", *log, "--policies", str(files / "policies")) == 0
    assert "p/words as it stands now:" in capsys.readouterr().out
    assert run("req-8", *log) == 2
    assert "no decision 'req-8' in" in capsys.readouterr().err
    assert run("req-8", "--records", str(files / "nowhere")) == 2
    assert run("req-8") == 2
    assert "no admin token" in capsys.readouterr().err


def test_a_caller_knows_its_request_id_only(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It may have used the same one twice: the last counts. A decision of that id comes first."""
    older, newer = (
        {**RECORD, "id": name, "request_id": "mine", "status": status} for name, status in (("a", 1), ("b", 2))
    )
    (files / "log.jsonl").write_text("".join(json.dumps(one) + "\n" for one in (older, newer)))
    assert run("mine", "--records", str(files / "log.jsonl")) == 0
    assert "(status 2)" in first(capsys)
    (files / "more.jsonl").write_text(json.dumps({**RECORD, "id": "mine", "status": 3}) + "\n")
    assert run("mine", "--records", str(files / "log.jsonl"), "--records", str(files / "more.jsonl")) == 0
    assert "(status 3)" in first(capsys)


def test_a_decision_by_policies_that_are_archived(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    then = load_policies(files / "policies")
    documents = archive.Documents((load_file(files / "policies" / "p.yaml").value,))
    archive.keep(files / "old", then.revision, documents)
    (files / "log.jsonl").write_text(json.dumps({**RECORD, "revision": then.revision}) + "\n")
    (files / "policies" / "p.yaml").write_text(POLICY.replace("forbidden", "allowed"))
    words = ["req-7", "--records", str(files / "log.jsonl"), "--policies", str(files / "policies")]
    assert run(*words, "--archive", str(files / "old")) == 0
    said = capsys.readouterr().out
    assert "p/words:\n" in said
    assert "forbidden fruit" in said
    assert "policy 'p' is another one in it" in said
    assert run(*words, "--archive", str(files / "old"), "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["record"]["id"] == "req-7"
    assert "  text: phrases forbidden fruit" in document["rule"]
    assert run(*words, "--archive", str(files / "nowhere")) == 0
    said = capsys.readouterr()
    assert "this revision is not in the archive" in said.err
    assert "allowed fruit" in said.out
