import json
import os
import stat
import threading

import pytest
from msgspec.structs import replace

from gateway.observe import sinks
from gateway.observe.record_values import moment
from gateway.observe.records import DecisionRecord, KeptRecord
from gateway.observe.sinks import FileSink, RingSink, Sink, StdoutSink, TeeSink


def record(index: int = 0, *, at_ms: int = 1_800_000_000_000, account: str = "") -> KeptRecord:
    made = DecisionRecord(f"dec_{index}", moment(at_ms), f"req_{index}", "chat", 200, "complete", "1")
    return replace(made, account=account).kept()


def ids(text: str) -> list[str]:
    return [json.loads(line)["id"] for line in text.splitlines() if line]


def test_a_file_holds_one_line_a_record_in_order(tmp_path):
    sink = FileSink(tmp_path / "decisions.jsonl")
    for index in range(500):
        sink.emit(record(index))
    sink.close()
    assert ids((tmp_path / "decisions.jsonl").read_text()) == [f"dec_{index}" for index in range(500)]
    assert sink.dropped == 0


def test_a_file_is_appended_to_and_private(tmp_path):
    path = tmp_path / "decisions.jsonl"
    for index in range(2):
        sink = FileSink(path)
        sink.emit(record(index))
        sink.close()
    assert ids(path.read_text()) == ["dec_0", "dec_1"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


class Gate:
    """A pipe nobody reads until told to: a write of more than it holds blocks the writer's thread."""

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()
        os.set_blocking(self.write_end, False)
        self.filled = 0
        try:
            while True:
                self.filled += os.write(self.write_end, b"\n" * 4096)
        except BlockingIOError:
            os.set_blocking(self.write_end, True)

    def open(self) -> threading.Thread:
        self.taken = b""
        thread = threading.Thread(target=self._drain)
        thread.start()
        return thread

    def _drain(self) -> None:
        while chunk := os.read(self.read_end, 65536):
            self.taken += chunk
        os.close(self.read_end)


def test_a_blocked_reader_drops_records_and_stops_nobody():
    gate = Gate()
    sink = StdoutSink(gate.write_end, queue_limit=10)
    for index in range(1000):
        sink.emit(record(index))  # returns at once, though nothing can be written
    # The writer may hold a batch in its hand while ten wait.
    assert sink.dropped >= 1000 - 10 - sinks._BATCH
    reader = gate.open()
    sink.close()
    os.close(gate.write_end)
    reader.join(10)
    written = ids(gate.taken.decode())
    assert written[0] == "dec_0"
    assert len(written) + sink.dropped == 1000


def test_closing_on_a_blocked_reader_gives_up_and_counts_what_is_lost():
    gate = Gate()
    sink = StdoutSink(gate.write_end, queue_limit=10)
    for index in range(10):
        sink.emit(record(index))
    sink.close(timeout_s=0.01)
    assert sink.dropped >= 9
    reader = gate.open()
    sink._writer.join(10)
    os.close(gate.write_end)
    reader.join(10)
    assert not sink._writer.is_alive()


def test_an_unwritable_file_drops_and_never_raises(tmp_path):
    sink = FileSink(tmp_path / "no" / "such" / "folder" / "decisions.jsonl")
    for index in range(3):
        sink.emit(record(index))
    sink.close()
    assert sink.dropped == 3


def test_the_log_says_once_why_records_are_lost_and_when_they_are_written_again(tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO", logger="gateway")
    real, opened, made = os.open, [], threading.Event()

    def disk(path, *flags):
        opened.extend([path] if str(path).startswith(str(tmp_path)) else [])
        if len(opened) == 3 and not made.is_set():
            (tmp_path / "later").mkdir()
            made.set()
        return real(path, *flags)

    monkeypatch.setattr(os, "open", disk)
    sink = FileSink(tmp_path / "later" / "decisions.jsonl")
    index = 0
    while not made.wait(0.05):
        sink.emit(record(index))  # a record a batch: the next one is tried on its own
        index += 1
    sink.close()
    assert [line.message for line in caplog.records] == [
        "decision records are being lost",
        "decision records are written again",
    ]
    assert "No such file or directory" in caplog.records[0].fields["error"]


def test_a_record_after_close_is_counted_as_dropped(tmp_path):
    sink = FileSink(tmp_path / "decisions.jsonl")
    sink.close()
    sink.close()
    sink.emit(record())
    assert sink.dropped == 1


@pytest.mark.interpreted
def test_a_line_torn_by_a_full_disk_does_not_swallow_the_next_one(tmp_path, monkeypatch):
    """The disk takes ten bytes of the first line and refuses the rest."""
    real, calls = os.write, []
    really_open, opened = os.open, []

    def counted_open(*args):
        opened.append(args)
        return really_open(*args)

    def full_disk(fd, data):
        calls.append(len(data))
        if len(calls) == 1:
            return real(fd, bytes(data)[:10])
        if len(calls) in (2, 3):
            raise OSError(28, "No space left on device")
        return real(fd, data)

    monkeypatch.setattr(sinks, "_BATCH", 1)
    monkeypatch.setattr(os, "write", full_disk)
    monkeypatch.setattr(os, "open", counted_open)
    sink = FileSink(tmp_path / "decisions.jsonl")
    for index in range(4):
        sink.emit(record(index))
    sink.close()
    lines = (tmp_path / "decisions.jsonl").read_text().splitlines()
    assert len(lines[0]) == 10
    assert ids("\n".join(lines[1:])) == ["dec_2", "dec_3"]
    assert sink.dropped == 2
    # Each failure lets go of the file: it may be the file itself that is gone.
    assert len(opened) == 3


def test_of_a_batch_cut_by_a_full_disk_only_what_was_not_written_is_lost(tmp_path, monkeypatch):
    """While the first line is written three more gather; of those the disk takes one and a half."""
    real, writes = os.write, []
    writing, go_on, failed = threading.Event(), threading.Event(), threading.Event()

    def disk(fd, data):
        writes.append(bytes(data))
        if len(writes) == 1:
            writing.set()
            assert go_on.wait(10)
        elif len(writes) == 2:
            return real(fd, writes[1][: writes[1].index(b"\n") + 11])
        elif len(writes) == 3:
            failed.set()
            raise OSError(28, "No space left on device")
        return real(fd, data)

    monkeypatch.setattr(os, "write", disk)
    sink = FileSink(tmp_path / "decisions.jsonl")
    sink.emit(record(0))
    assert writing.wait(10)
    for index in (1, 2, 3):
        sink.emit(record(index))
    go_on.set()
    assert failed.wait(10)
    sink.emit(record(4))
    sink.close()
    lines = (tmp_path / "decisions.jsonl").read_text().splitlines()
    assert len(lines.pop(2)) == 10
    assert ids("\n".join(lines)) == ["dec_0", "dec_1", "dec_4"]
    assert writes[1].count(b"\n") == 3
    assert sink.dropped == 2


def test_a_rotated_file_is_let_go(tmp_path, monkeypatch):
    path = tmp_path / "decisions.jsonl"
    really_close, let_go = os.close, threading.Event()

    def seen_close(fd):
        really_close(fd)
        let_go.set()

    sink = FileSink(path)
    sink.emit(record(0))
    with monkeypatch.context() as patch:
        patch.setattr(os, "close", seen_close)
        sink.reopen()
        assert let_go.wait(10)
    path.rename(tmp_path / "decisions.jsonl.1")
    sink.emit(record(1))
    sink.close()
    assert ids((tmp_path / "decisions.jsonl.1").read_text()) == ["dec_0"]
    assert ids(path.read_text()) == ["dec_1"]
    assert sink.dropped == 0


def test_the_ring_keeps_the_newest_and_finds_by_id():
    ring = RingSink(limit=100)
    for index in range(250):
        ring.emit(record(index))
    assert ring.find("dec_149") is None
    found = ring.find("dec_150")
    assert found is not None
    assert found.request_id == "req_150"
    assert [kept.id for kept in ring.newest(3)] == ["dec_249", "dec_248", "dec_247"]
    assert len(ring.newest(1000)) == 100
    ring.close()
    assert ring.newest(1) == []


def test_a_tee_feeds_all_and_adds_up_losses(tmp_path):
    ring, broken = RingSink(), FileSink(tmp_path / "none" / "x")
    tee: Sink = TeeSink([ring, broken])
    tee.emit(record(7))
    assert ring.find("dec_7") is not None
    tee.close()
    assert tee.dropped == 1


def test_a_flood_of_strangers_leaves_the_records_of_accounts():
    ring = RingSink(limit=10)
    for index in range(5):
        ring.emit(record(index, account="acme", at_ms=index))
    for index in range(100, 200):
        ring.emit(record(index, at_ms=index))
    assert ring.find("dec_0") is not None
    newest = [kept.id for kept in ring.newest(12)]
    assert newest == [*(f"dec_{index}" for index in range(199, 189, -1)), "dec_4", "dec_3"]
