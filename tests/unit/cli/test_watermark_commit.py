"""`gateway watermark keygen` and `commit`: secrets are made once, promises before their epoch and never again."""

import argparse
import json
from hashlib import sha256

import pytest

from gateway.cli import watermark_commit, watermark_keygen
from gateway.core.clock import ManualClock
from gateway.watermarks.epochs import check, read_commitment
from gateway.watermarks.pairs import write_table
from gateway.watermarks.secret import read_master
from tests.support.marks_on_disk import MARKS, SECRET, small_table, write_marks

BEFORE, DURING, AFTER = 1_798_000_000_000, 1_800_000_000_000, 1_900_000_000_000


@pytest.fixture
def path(tmp_path):
    return write_marks(tmp_path)


@pytest.fixture
def commit(path, capsys, monkeypatch):
    """Run the verb at a time: (exit status, standard output, standard error)."""
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)

    def call(now, *words, config=path):
        flags = ["--config", str(config)] if config else []
        args = _parsed(watermark_commit, "commit", *flags, *words)
        return watermark_commit.run(args, ManualClock(now)), *capsys.readouterr()

    return call


def _parsed(module, *words):
    parser = argparse.ArgumentParser()
    module.add_parser(parser.add_subparsers(dest="verb"))
    return parser.parse_args(words)


def test_a_secret_is_made_once(tmp_path, capsys):
    args = _parsed(watermark_keygen, "keygen", str(tmp_path / "key"))
    assert watermark_keygen.run(args) == 0
    master = read_master(tmp_path / "key")
    assert watermark_keygen.run(args) == 1
    assert read_master(tmp_path / "key") == master
    said = capsys.readouterr()
    assert said.out == ""
    assert "File exists" in said.err
    assert master.secret.hex() not in said.err
    assert watermark_keygen.run(_parsed(watermark_keygen, "keygen", str(tmp_path / "no" / "key"))) == 1


def test_every_epoch_to_come_is_promised(commit, path):
    status, out, err = commit(BEFORE)
    files = sorted((path.parent / "marks" / "commitments").iterdir())
    assert (status, [file.name for file in files]) == (0, ["first-gemma-3.json", "second-gemma-3.json"])
    master = read_master(path.parent / "watermark.key")
    for file in files:
        commitment = read_commitment(file)
        assert check(master, commitment, small_table().digest) == "verified"
        assert {
            str(file),
            commitment.account_root,
            commitment.provider_root,
            sha256(file.read_bytes()).hexdigest(),
        } <= set(out.split())
    assert "openssl ts -query" in err
    assert "warning" not in err
    assert SECRET not in out + err


def test_one_that_has_begun_is_warned_of_and_one_that_is_over_is_left_out(commit, path):
    status, out, err = commit(DURING)
    assert (status, err.count("warning")) == (0, 1)
    assert "warning: epoch first has begun" in err
    (path.parent / "marks" / "commitments" / "first-gemma-3.json").unlink()
    status, out, err = commit(1_802_000_000_000)
    assert (status, "first-gemma-3" in out, "second-gemma-3" in out) == (0, False, True)
    assert "nothing to promise" in commit(AFTER)[2]


def test_an_epoch_can_be_named(commit, path):
    assert commit(BEFORE, "--epoch", "second")[0] == 0
    assert [file.name for file in (path.parent / "marks" / "commitments").iterdir()] == ["second-gemma-3.json"]
    status, _, err = commit(BEFORE, "--epoch", "third")
    assert (status, "no epoch third" in err) == (2, True)


def test_a_second_run_changes_nothing(commit, path):
    commit(BEFORE)
    files = {file: file.read_bytes() for file in (path.parent / "marks" / "commitments").iterdir()}
    status, out, err = commit(DURING)
    assert (status, out.count("was there, promises the same"), "warning" in err) == (0, 2, False)
    assert {file: file.read_bytes() for file in files} == files


def test_a_promise_is_never_replaced(commit, path):
    commit(BEFORE)
    files = {file: file.read_bytes() for file in (path.parent / "marks" / "commitments").iterdir()}
    write_table(path.parent / "gemma-3.json", small_table(pairs=5))
    status, out, err = commit(BEFORE)
    assert (status, out) == (1, "")
    assert "first-gemma-3.json: promises other keys or another pair table" in err
    assert {file: file.read_bytes() for file in files} == files


def test_as_json(commit):
    rows = json.loads(commit(BEFORE, "--json")[1])
    assert [(row["epoch"], row["family"], row["new"]) for row in rows] == [
        ("first", "gemma-3", True),
        ("second", "gemma-3", True),
    ]


@pytest.mark.parametrize(
    ("break_it", "status", "says"),
    [
        (lambda folder: (folder / "watermark.key").chmod(0o644), 1, "watermark.key:1:1: others can read"),
        (lambda folder: (folder / "watermark.key").unlink(), 1, "watermark.key:1:1: cannot be read: No such file"),
        (lambda folder: (folder / "gemma-3.json").unlink(), 1, "gemma-3.json:1:1: cannot be read: No such file"),
        (lambda folder: (folder / "gemma-3.json").write_text("{}"), 1, "gemma-3.json:1:1: expected an object with"),
        (lambda folder: (folder / "marks").write_text(""), 1, "marks"),
        (lambda folder: (folder / "gateway.yaml").write_text("x: 1\n"), 1, "unknown key 'x'"),
        (lambda folder: (folder / "gateway.yaml").unlink(), 2, "no such file"),
    ],
    ids=["open", "no-secret", "no-table", "bad-table", "folder", "settings", "no-settings"],
)
def test_what_is_wrong_is_named(commit, path, break_it, status, says):
    break_it(path.parent)
    found, out, err = commit(BEFORE)
    assert (found, out) == (status, "")
    assert says in err
    assert SECRET not in err


def test_without_marks_there_is_nothing_to_promise(commit, path):
    path.write_text(path.read_text().replace(MARKS, ""))
    assert "the settings have no watermark" in commit(BEFORE)[2]
    assert commit(BEFORE, config=None)[0] == 2
