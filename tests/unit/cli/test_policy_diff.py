"""`gateway policy diff`: folders, archived revisions, logs; words for people and JSON for machines."""

import io
import json
import sys

import pytest
import yaml

from gateway.cli.main import main
from gateway.cli.progress import Progress
from gateway.policy.archive import Documents, keep
from gateway.policy.compile import load_policies
from tests.support.decision_logs import decision, refused, write_log

HEAD = "version: 1\nid: free\ntitle: Free\nstatus: stable\nmatch: all\n"
OLD = HEAD + "limits: {rpm: {unit: requests, per: account, amount: 60, window: 1m}}\n"
NEW = HEAD + (
    "limits: {rpm: {unit: requests, per: account, amount: 2, window: 1m}}\n"
    "rules: {many: {when: {n: {at_least: 4}}, then: review}}\n"
)


@pytest.fixture
def sets(tmp_path):
    """Two folders of policies, and a log: five quick requests of acme, one of another that asks for four choices."""
    for name, text in (("old", OLD), ("new", NEW)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "free.yaml").write_text(text)
    records = [decision(number, at_s=number) for number in range(5)]
    records.append(decision(5, at_s=6, account="umbrella", facts={"n": 4}))
    write_log(tmp_path / "log", records)
    return tmp_path


def diff(sets, *more, old="old", new="new"):
    return main(["policy", "diff", str(sets / old), str(sets / new), *map(str, more)])


def test_what_differs_in_words(sets, capsys):
    assert diff(sets) == 0
    old, new = load_policies(sets / "old").revision, load_policies(sets / "new").revision
    assert capsys.readouterr().out == (
        f"{old} → {new}: 2 differences\n"
        "  free: limits.rpm: 60 requests in 1m per account → 2 requests in 1m per account\n"
        "  free: rules.many added: {when: {n: {at_least: 4}}, then: review}\n"
    )
    assert diff(sets, new="old") == 0
    assert "no differences" in capsys.readouterr().out


def test_whom_it_would_have_met(sets, capsys):
    assert diff(sets, "--records", sets / "log") == 0
    said = capsys.readouterr()
    assert said.out.split("\n\n", 1)[1] == (
        "6 lines: 4 requests would have been treated otherwise, 2 of 2 accounts\n"
        "           2  the same\n"
        "           4  newly refused\n"
        "               3  by free/rpm\n"
        "               1  by free/many\n"
        "                  such as req-00000002, req-00000003, req-00000004, req-00000005\n"
        "           0  newly allowed\n"
        "\naccounts that would notice most\n"
        "           3  acme: 3 newly refused\n"
        "           1  umbrella: 1 newly refused\n"
    )
    assert said.err == ""


def test_the_other_way_round(sets, capsys):
    tried = [refused(number, at_s=number, policy="free", limit="rpm") for number in range(3, 5)]
    write_log(sets / "log", [*(decision(number, at_s=number) for number in range(2)), *tried])
    assert diff(sets, "--records", sets / "log", old="new", new="old") == 0
    said = capsys.readouterr().out
    assert "2  no longer by free/rpm" in said
    assert "2 requests were refused when they were recorded: what they would have used is a guess" in said


def test_top_accounts_are_as_many_as_asked_for(sets, capsys):
    assert diff(sets, "--records", sets / "log", "--top", "1") == 0
    said = capsys.readouterr().out
    assert "acme:" in said
    assert "umbrella:" not in said
    assert diff(sets, "--records", sets / "log", "--top", "0") == 0
    assert "notice most" not in capsys.readouterr().out


def test_json(sets, capsys):
    (sets / "log").write_bytes((sets / "log").read_bytes() + b"nonsense\n")
    assert diff(sets, "--json", "--records", sets / "log") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["old"], said["new"]) == (load_policies(sets / "old").revision, load_policies(sets / "new").revision)
    assert {one["what"] for one in said["differences"]} == {"limits.rpm", "rules.many"}
    records = said["records"]
    assert (records["lines"], records["changed"], records["guessed"]) == (7, 4, 0)
    assert records["buckets"]["same"] == 2
    assert sum(records["buckets"].values()) == 7
    assert records["accounts"] == {"seen": 2, "changed": 2}
    assert records["top_accounts"][0] == {"account": "acme", "newly_refused": 3}
    assert records["rules"] == {"newly_refused": {"free/rpm": 3, "free/many": 1}}
    assert records["examples"]["newly_refused"][0] == "req-00000002"
    assert records["unreadable"] == [{"source": str(sets / "log"), "line": 7, "why": "not JSON"}]
    assert diff(sets, "--json") == 0
    assert "records" not in json.loads(capsys.readouterr().out)


def test_lines_that_cannot_be_read_are_counted_and_named(sets, capsys):
    (sets / "log").write_bytes(b"nonsense\n" * 8 + (sets / "log").read_bytes())
    assert diff(sets, "--records", sets / "log") == 0
    said = capsys.readouterr()
    assert "8  not readable" in said.out
    assert f"{sets / 'log'}:1: not JSON\n" in said.err
    assert "and 3 more lines that cannot be read" in said.err


def test_a_file_without_records_is_a_failure(sets, capsys):
    (sets / "log").write_text("one\ntwo\n")
    assert diff(sets, "--records", sets / "log") == 1
    assert "no decision records in these files" in capsys.readouterr().err


def test_a_file_that_is_not_there(sets, capsys):
    assert diff(sets, "--records", sets / "nowhere") == 1
    assert capsys.readouterr().err == f"gateway policy diff: {sets / 'nowhere'}: No such file or directory\n"


def test_a_rule_that_cannot_be_asked_is_named(sets, capsys):
    (sets / "new" / "free.yaml").write_text(
        OLD + "rules: {words: {when: {text: {phrases: [alpha]}}, then: deny, per_request: true}}\n"
    )
    assert diff(sets, "--records", sets / "log") == 0
    assert "not evaluable: free/words looks at what no record holds (6 requests)" in capsys.readouterr().out


def archived(sets, name):
    policies = load_policies(sets / name)
    [text] = [path.read_text() for path in (sets / name).glob("*.yaml")]
    keep(sets / "kept", policies.revision, Documents((yaml.safe_load(text),)))
    return policies.revision


def test_revisions_of_the_archive(sets, capsys):
    old, new = archived(sets, "old"), archived(sets, "new")
    assert main(["policy", "diff", old, new, "--archive", str(sets / "kept"), "--records", str(sets / "log")]) == 0
    said = capsys.readouterr().out
    assert f"{old} → {new}: 2 differences" in said
    assert "4  newly refused" in said
    assert main(["policy", "diff", str(sets / "kept" / f"{old}.json"), str(sets / "old")]) == 0
    assert "no differences" in capsys.readouterr().out


def test_a_revision_that_reads_otherwise_now_is_told(sets, capsys):
    old = archived(sets, "old")
    (sets / "kept" / f"{old}.json").rename(sets / "kept" / "0123456789ab.json")
    assert main(["policy", "diff", "0123456789ab", str(sets / "old"), "--archive", str(sets / "kept")]) == 0
    assert f"reads 0123456789ab as {old}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "more", "says"),
    [
        ("nowhere", (), "no such folder or file"),
        ("0123456789ab", (), "looked up in the folder that --archive names"),
        ("0123456789ab", ("--archive", "here"), "not in the archive"),
    ],
)
def test_a_set_that_is_not_there(sets, capsys, old, more, says):
    assert main(["policy", "diff", old, str(sets / "new"), *more]) == 1
    assert says in capsys.readouterr().out


def test_a_broken_set_is_a_problem_with_its_line(sets, capsys):
    (sets / "new" / "free.yaml").write_text(NEW + "nonsense: 1\n")
    assert diff(sets) == 1
    assert "free.yaml:8:1: error" in capsys.readouterr().out


def test_a_replay_that_must_know_models_says_so_first(sets, capsys):
    (sets / "new" / "free.yaml").write_text(OLD + "rules: {open: {when: {family: open}, then: deny}}\n")
    assert diff(sets, "--records", sets / "log") == 2
    assert "policy 'free' asks for the family of models: say --models FILE" in capsys.readouterr().err
    (sets / "models.yaml").write_text("models: {m1: {upstreams: [u], context: 100, max_output: 50, family: open}}\n")
    assert diff(sets, "--records", sets / "log", "--models", sets / "models.yaml") == 0
    assert "6  by free/open" in capsys.readouterr().out


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_on_a_terminal_and_nowhere_else(sets, capsys, monkeypatch):
    assert diff(sets, "--records", sets / "log") == 0
    assert capsys.readouterr().err == ""
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert diff(sets, "--records", sets / "log") == 0
    assert terminal.getvalue().startswith("\r[")
    assert terminal.getvalue().endswith("\r\x1b[K"), "and it is wiped away"


def test_the_bar_says_how_far_and_how_long(monkeypatch):
    monkeypatch.setattr(sys, "stderr", _Terminal())
    progress = Progress(1000)
    progress.add(500)
    began = progress._began
    assert progress.line(began + 30) == f"[{'#' * 15}{' ' * 15}]  50 %, 30 s left  "
    progress.add(500)
    assert progress.line(began + 60).startswith(f"[{'#' * 30}] 100 %, 0 s left")
    assert "left" not in Progress(1000).line(began + 60)
