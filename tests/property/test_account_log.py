"""Account logs under any history: restarts, other instances, and one byte changed anywhere."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.watermarks.account_log import AccountLog, log_folder
from gateway.watermarks.account_notes import read_log, read_logs

NAMES = st.text(min_size=1, max_size=12)
NOTES = st.tuples(NAMES, st.sampled_from(["e", "f"]), st.sampled_from(["g", "h"]), st.integers(0, 3))
RESTART = None


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["one", "two"]), NOTES | st.just(RESTART)), max_size=30))
def test_every_account_is_there_with_its_first_date(history):
    with tempfile.TemporaryDirectory() as folder:
        now = iter(range(1_000_000_000_000, 2_000_000_000_000))
        logs = {name: AccountLog(Path(folder), name, now.__next__) for name in ("one", "two")}
        try:
            for name, note in history:
                if note is RESTART:
                    logs[name].close()
                    logs[name] = AccountLog(Path(folder), name, now.__next__)
                else:
                    logs[name].note(*note)
            found = read_logs(log_folder(Path(folder)))
        finally:
            for log in logs.values():
                log.close()
    assert not found.broken
    for epoch, family in {(note[1], note[2]) for _, note in history if note}:
        wanted = {(note[0], note[3]) for _, note in history if note and note[1:3] == (epoch, family)}
        assert set(found.issued(epoch, family)) == wanted
    for file in found.files:
        moments = [note.at_ms for note in file.notes]
        assert moments == sorted(set(moments))
        assert len({(note.account, note.epoch, note.family, note.roll) for note in file.notes}) == len(file.notes)


@settings(max_examples=60)
@given(st.lists(NAMES, min_size=2, max_size=6, unique=True), st.data())
def test_one_changed_byte_breaks_the_chain_or_changes_the_head(names, data):
    with tempfile.TemporaryDirectory() as folder:
        log = AccountLog(Path(folder), "one", lambda: 1_800_000_000_000)
        for name in names:
            log.note(name, "e", "f", 0)
        log.close()
        before = read_log(log.path)
        content = bytearray(log.path.read_bytes())
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] ^= data.draw(st.integers(1, 255))
        log.path.write_bytes(content)
        after = read_log(log.path)
    assert after.broken or after.torn or after.head != before.head
