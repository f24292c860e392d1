"""What `gateway doctor` and `gateway config check` say of marks: each trouble with a remedy, never a secret."""

import pytest

from gateway.cli.check import check
from gateway.cli.doctor_watermark import watermark
from gateway.config import load_config
from gateway.core.clock import ManualClock
from gateway.mark_files import load_mark_files
from gateway.watermarks.account_log import AccountLog
from gateway.watermarks.epochs import commitment_for, commitment_path, write_commitment
from gateway.watermarks.pairs import write_table
from tests.support.marks_on_disk import MARKS, SECRET, small_table, write_marks

DAY = 86_400_000
FIRST = 1_798_761_600_000
"""2027-01-01."""
NOW = FIRST + 14 * DAY


@pytest.fixture
def path(tmp_path):
    return write_marks(tmp_path)


def promise(path, epoch, family="gemma-3", when=FIRST - DAY):
    entry = load_config(path, {}).settings.watermark
    files = load_mark_files(entry)
    made = commitment_for(files.master, epoch, family, files.tables[family].digest, when)
    write_commitment(commitment_path(entry.directory, epoch, family), made)


def lines(path, now=NOW):
    return {line.name: line for line in watermark(load_config(path, {}).settings, ManualClock(now))}


def test_without_marks_nothing_is_said(path):
    path.write_text(path.read_text().replace(MARKS, ""))
    assert lines(path) == {}


def test_all_is_well(path):
    promise(path, "first")
    promise(path, "second")
    found = lines(path)
    assert {line.level for line in found.values()} == {"ok"}
    assert set(found) == {"watermark folder", "watermark secret", "watermark epoch", "commitment first gemma-3",
                          "commitment second gemma-3"}  # fmt: skip
    assert found["watermark epoch"].message == "first, for another 17 days"
    assert not check(path, {}, NOW).problems


def test_a_table_with_more_pairs_than_the_upstream_takes_entries(path):
    promise(path, "first")
    path.write_text(path.read_text().replace("connect_s: 5", "connect_s: 5, logit_bias_entries: 3"))
    line = lines(path)["pair table gemma-3"]
    assert (line.level, line.message) == (
        "warn", "upstream main takes 3 entries, and the table has 4 pairs: the rest only blurs the mark",
    )  # fmt: skip
    assert "--pairs 3`" in line.remedy


def test_no_secret_is_shown(path):
    promise(path, "first")
    assert SECRET not in str(lines(path))


@pytest.mark.parametrize(
    ("now", "level", "says"),
    [
        (FIRST - 1, "fail", "none is under way: nothing is marked before first begins"),
        (FIRST, "ok", "first, for another 31 days"),
        (FIRST + 30 * DAY, "ok", "second, for another 60 days"),
        (FIRST + 83 * DAY - 1, "ok", "second, for another 7 days"),
        (FIRST + 83 * DAY + 1, "warn", "second ends in 6 days and none follows"),
        (FIRST + 90 * DAY, "fail", "none is under way: nothing is marked"),
    ],
)
def test_the_next_epoch_is_wanted_a_week_ahead(path, now, level, says):
    line = lines(path, now)["watermark epoch"]
    assert (line.level, line.message) == (level, says)
    assert bool(line.remedy) == (level != "ok")


def test_a_gap_between_epochs(path):
    path.write_text(path.read_text().replace("from: 2027-01-31", "from: 2027-02-03"))
    line = lines(path)["watermark epoch"]
    assert (line.level, line.message) == ("warn", "nothing is marked between the end of first and second")


@pytest.mark.parametrize(
    ("now", "first", "second"),
    [
        (NOW, "fail", "ok"),
        (FIRST + 24 * DAY, "fail", "warn"),
        (FIRST - 8 * DAY, "ok", None),
        (FIRST - DAY, "warn", None),
    ],
)
def test_an_absent_promise_is_worse_the_nearer_its_epoch(path, now, first, second):
    found = lines(path, now)
    assert found["commitment first gemma-3"].level == first
    assert getattr(found.get("commitment second gemma-3"), "level", None) == second
    assert all(line.remedy for line in found.values() if line.level != "ok")


def test_a_promise_of_other_keys_or_pairs(path):
    promise(path, "first")
    write_table(path.parent / "gemma-3.json", small_table(pairs=5))
    line = lines(path)["commitment first gemma-3"]
    assert (line.level, "promises other keys or another pair table" in line.message) == ("fail", True)
    write_table(path.parent / "gemma-3.json", small_table())
    assert lines(path)["commitment first gemma-3"].level == "ok"
    (path.parent / "watermark.key").write_text("0" * 64)
    assert lines(path)["commitment first gemma-3"].level == "fail"


def test_a_promise_that_came_late(path):
    promise(path, "first", when=FIRST + 1)
    line = lines(path)["commitment first gemma-3"]
    assert (line.level, "after the epoch began" in line.message) == ("warn", True)


def test_a_file_that_is_no_promise_or_that_of_another_epoch(path):
    promise(path, "second")
    folder = path.parent / "marks" / "commitments"
    (folder / "second-gemma-3.json").rename(folder / "first-gemma-3.json")
    line = lines(path)["commitment first gemma-3"]
    assert (line.level, "is that of epoch second" in line.message) == ("fail", True)
    (folder / "first-gemma-3.json").write_text("{")
    assert lines(path)["commitment first gemma-3"].level == "fail"


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda folder: (folder / "watermark.key").chmod(0o640), "watermark.key:1:1: others can read or change it"),
        (lambda folder: (folder / "watermark.key").unlink(), "watermark.key:1:1: cannot be read"),
        (lambda folder: (folder / "gemma-3.json").write_text("[]"), "gemma-3.json:1:1: expected an object with"),
        (lambda folder: (folder / "gemma-3.json").unlink(), "gemma-3.json:1:1: cannot be read"),
    ],
)
def test_files_that_cannot_be_used_are_problems_of_the_configuration(path, break_it, says):
    break_it(path.parent)
    problems = "\n".join(map(str, check(path, {}, NOW).problems))
    assert says in problems
    assert SECRET not in problems
    assert set(lines(path)) == {"watermark folder"}, "the rest follows from it"


def test_the_folder(path, tmp_path):
    folder = tmp_path / "marks"
    assert (lines(path)["watermark folder"].level, folder.exists()) == ("ok", False)
    folder.write_text("")
    assert lines(path)["watermark folder"].level == "fail"
    folder.unlink()
    folder.mkdir(mode=0o700)
    assert lines(path)["watermark folder"].level == "ok"
    folder.chmod(0o755)
    line = lines(path)["watermark folder"]
    assert (line.level, "chmod 700" in line.remedy) == ("warn", True)
    path.write_text(path.read_text().replace("directory: marks", "directory: no/marks"))
    assert "mkdir" in lines(path)["watermark folder"].remedy


def test_account_logs(path):
    folder = path.parent / "marks"
    for instance in ("tests", "other"):
        log = AccountLog(folder, instance, lambda: NOW)
        for account in ("acme", "ada"):
            log.note(account, "first", "gemma-3", 0)
        log.close()
    line = lines(path)["account logs"]
    assert (line.level, line.message) == ("ok", "4 entries in 2 files, every chain holds")
    for instance, level in (("other", "warn"), ("tests", "fail")):
        file = folder / "accounts" / f"{instance}.jsonl"
        file.write_bytes(file.read_bytes().replace(b"acme", b"evil"))
        line = lines(path)["account logs"]
        assert (line.level, f"{file}:2: does not follow" in line.message) == (level, True)
