"""The dated log of accounts: what is noted stays, in order, and a change to any of it shows."""

import json
import os
import threading

import pytest

from gateway.watermarks import account_log
from gateway.watermarks.account_log import AccountLog, BadLog, log_folder
from gateway.watermarks.account_notes import FIRST, MOST_LINE, read_log, read_logs

NOW = 1_800_000_000_000


@pytest.fixture
def opened(tmp_path):
    """Open logs in one folder; each is closed at the end."""
    logs = []

    def open_log(instance="one", now=lambda: NOW):
        logs.append(AccountLog(tmp_path, instance, now))
        return logs[-1]

    yield open_log
    for log in logs:
        log.close()


def test_an_account_is_noted_once_for_each_epoch_family_and_roll(opened, tmp_path):
    log = opened()
    assert log.note("acme", "2026-q4", "gemma-3", 0)
    assert not log.note("acme", "2026-q4", "gemma-3", 0)
    for other in (("ada", "2026-q4", "gemma-3", 0), ("acme", "2027-q1", "gemma-3", 0), ("acme", "2026-q4", "qwen", 0),
                  ("acme", "2026-q4", "gemma-3", 1)):  # fmt: skip
        assert log.note(*other)
        assert not log.note(*other)
    [found] = read_logs(log_folder(tmp_path)).files
    assert len(found.notes) == 5
    assert (found.broken, found.torn) == ((), False)
    assert found.size == log.path.stat().st_size


def test_the_lines_are_a_dated_chain(opened):
    log = opened()
    log.note("acme", "e", "f", 2)
    log.note("ada", "e", "f", 0)
    first, second = map(json.loads, log.path.read_text().splitlines())
    assert first == {
        "at": "2027-01-15T08:00:00.000Z", "account": "acme", "epoch": "e", "family": "f", "roll": 2, "prev": FIRST,
    }  # fmt: skip
    assert second["prev"] == "3267a13171bfb2c024245b238cc76ea0c9087a0e2c1a8796f34c4469802615e9"
    assert log.path.stat().st_mode & 0o777 == 0o600
    assert log.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_restart_knows_what_was_noted_and_goes_on_with_the_chain(opened):
    log = opened()
    log.note("acme", "e", "f", 0)
    log.close()
    log = opened(now=lambda: NOW + 1000)
    assert not log.note("acme", "e", "f", 0)
    assert log.note("ada", "e", "f", 0)
    found = read_log(log.path)
    assert [(note.account, note.at_ms) for note in found.notes] == [("acme", NOW), ("ada", NOW + 1000)]
    assert not found.broken


def test_two_processes_do_not_write_to_one_file(opened):
    first = opened()
    with pytest.raises(BadLog, match=r"another process writes to it: set watermark\.instance"):
        opened()
    opened("two")
    first.close()
    opened()


def test_the_first_use_of_a_codeword_counts_over_all_instances(opened, tmp_path):
    opened("one", lambda: NOW + 5).note("acme", "e", "f", 0)
    opened("seven", lambda: NOW).note("acme", "e", "f", 0)
    opened("two", lambda: NOW + 6).note("acme", "e", "f", 0)
    opened("three", lambda: NOW + 9).note("zoe", "e", "f", 0)
    opened("four", lambda: NOW + 7).note("acme", "e", "f", 1)
    opened("five").note("acme", "other", "f", 0)
    opened("six").note("acme", "e", "other", 0)
    logs = read_logs(log_folder(tmp_path))
    issued = logs.issued("e", "f")
    assert list(issued.items()) == [(("acme", 0), NOW), (("acme", 1), NOW + 7), (("zoe", 0), NOW + 9)]
    assert set(logs.heads) == {f"{name}.jsonl" for name in ("one", "two", "three", "four", "five", "six", "seven")}
    assert len(set(logs.heads.values())) == 7


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    logs = read_logs(tmp_path / "absent")
    assert (logs.files, logs.broken, logs.heads, logs.issued("e", "f")) == ((), (), {}, {})


def test_many_threads_note_each_account_once(opened):
    log = opened()
    new = []
    threads = [
        threading.Thread(target=lambda: new.extend(log.note(f"acme-{n}", "e", "f", 0) for n in range(50)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (new.count(True), new.count(False)) == (50, 350)
    found = read_log(log.path)
    assert len(found.notes) == 50
    assert not found.broken


@pytest.fixture
def three(opened):
    """A closed log of three lines."""
    log = opened()
    for name in ("acme", "ada", "zoe"):
        log.note(name, "e", "f", 0)
    log.close()
    return log.path


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        (lambda lines: [lines[0].replace(b"acme", b"evil"), *lines[1:]], 2, "does not follow"),
        (lambda lines: [lines[0], lines[2]], 2, "does not follow"),
        (lambda lines: lines[1:], 1, "does not follow"),
        (lambda lines: [lines[1], lines[0], lines[2]], 1, "does not follow"),
        (lambda lines: [lines[0], lines[0], *lines[1:]], 2, "does not follow"),
        (lambda lines: [lines[0], b"{}\n", *lines[1:]], 2, "expected an object with at, account"),
        (lambda lines: [lines[0], b"\xff\n", *lines[1:]], 2, ""),
        (lambda lines: [b"\n", *lines], 1, ""),
        (lambda lines: [lines[0].replace(b'"roll":0', b'"roll":-1'), *lines[1:]], 1, "a roll from 0 on"),
        (lambda lines: [lines[0].replace(b'"roll":0', b'"roll":true'), *lines[1:]], 1, "expected an object"),
        (lambda lines: [lines[0].replace(b"000Z", b"000+00:00"), *lines[1:]], 1, "expected a moment"),
        (lambda lines: [*lines, b"x" * (MOST_LINE + 1) + b"\n"], 4, "longer than"),
    ],
    ids=["changed", "left-out", "first-gone", "swapped", "twice", "foreign", "bytes", "empty", "roll", "kind", "date",
         "long"],
)  # fmt: skip
def test_a_broken_chain_is_named_by_file_and_line(three, opened, change, line, says):
    three.write_bytes(b"".join(change(three.read_bytes().splitlines(keepends=True))))
    found = read_log(three)
    assert found.broken[0].startswith(f"{three}:{line}: ")
    assert says in found.broken[0]
    before = three.read_bytes()
    with pytest.raises(BadLog, match="under another name"):
        opened()
    assert three.read_bytes() == before


def test_a_change_to_the_last_line_shows_in_the_head(three):
    before = read_log(three)
    three.write_bytes(three.read_bytes().replace(b"zoe", b"zed"))
    after = read_log(three)
    assert not after.broken
    assert after.head != before.head


def test_a_broken_file_still_names_its_accounts(three):
    three.write_bytes(three.read_bytes().replace(b"acme", b"evil"))
    assert [note.account for note in read_log(three).notes] == ["evil", "ada", "zoe"]


def test_a_crash_at_any_byte_of_a_line_loses_that_line_only(three, opened):
    whole = three.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    for end in range(start, len(whole)):
        three.write_bytes(whole[:end])
        found = read_log(three)
        assert (len(found.notes), found.torn, found.broken) == (2, end > start, ())
    log = opened()
    assert log.note("zoe", "e", "f", 0)
    assert three.read_bytes() == whole


class Full:
    """A disk that takes `room` bytes more."""

    def __init__(self, file, room):
        self._file, self._room = file, room

    def write(self, data):
        return self._file.write(data[: self._room])

    def __getattr__(self, name):
        return getattr(self._file, name)


@pytest.mark.parametrize("room", [0, 1, 40])
def test_a_full_disk_is_an_error_and_leaves_the_log_whole(opened, room):
    log = opened()
    log.note("acme", "e", "f", 0)
    before = log.path.read_bytes()
    file = log._file
    log._file = Full(file, room)
    with pytest.raises(OSError, match="No space left"):
        log.note("ada", "e", "f", 0)
    assert log.path.read_bytes() == before
    log._file = file
    assert log.note("ada", "e", "f", 0), "it is still to be noted"
    assert not read_log(log.path).broken


def test_what_was_noted_is_on_the_disk(opened, monkeypatch):
    log = opened()
    synced = []
    monkeypatch.setattr(account_log.os, "fsync", lambda handle: synced.append(os.fstat(handle).st_size))
    log.note("acme", "e", "f", 0)
    assert synced == [log.path.stat().st_size]
    log.note("acme", "e", "f", 0)
    assert len(synced) == 1
