"""Segments: sorted as they say, checked as they are read, and made without a moment at which anything is lost."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from random import Random

import pytest

from gateway.registry.compact import compact
from gateway.registry.records import Scan, document_of
from gateway.registry.segment import MAGIC, WIDE, Posting, Segment, header, rest_bytes
from gateway.registry.shelf import RegistryUnavailable, Shelf
from gateway.registry.sketch import Sketch
from gateway.registry.writer import Writer
from tests.support.needs import needs_numpy
from tests.support.registries import ROOT, UNTIL_MS, answer, kept, prose, traced

needs_numpy()


def written(folder: Path, sketches: list[bytes]) -> Shelf:
    folder.parent.parent.mkdir(parents=True, exist_ok=True)
    writer = Writer(folder, UNTIL_MS, ROOT)
    for number, prints in enumerate(sketches):
        writer.append(answer(number), Sketch(5, prints))
    writer.close()
    return Shelf(folder)


def sketches(count: int, each: int) -> list[bytes]:
    return [Random(number).randbytes(5 * each) for number in range(count)]


@pytest.mark.parametrize(("count", "each"), [(1, 0), (1, 1), (3, 7), (40, 83), (3300, 80)])
def test_every_posting_is_found_and_no_other(tmp_path, count, each):
    prints = sketches(count, each)
    if each > 1:
        prints[0] = prints[-1][:5] + prints[0][5:]  # in two answers
        prints[0] = prints[0][:-5] + prints[0][:5]  # and twice in one
    shelf = written(tmp_path / "r" / "i" / "e", prints)
    (done,) = compact(shelf)
    expected: dict[bytes, list[Posting]] = {}
    for number, one in enumerate(prints):
        for at in range(0, len(one), 5):
            expected.setdefault(one[at : at + 5], []).append(Posting(one[at : at + 5], number, at // 5))
    with Segment(shelf.path(done.stem, "seg")) as segment:
        segment.check()
        assert (segment.documents, segment.postings) == (count, count * each)
        assert rest_bytes(segment.postings) == (3 if count * each >= WIDE else 4)
        for wanted, postings in list(expected.items())[:2000]:
            assert list(segment.find([wanted])) == postings
        assert list(segment.find(Random(-1).randbytes(5) for _ in range(100))) == []
        assert list(segment.find([b"\0" * 5, b"\xff" * 5])) == []
        assert [segment.document(number).id for number in range(count)] == [answer(n).id for n in range(count)]


def test_bytes_that_stand_across_two_postings_are_no_posting(tmp_path):
    prints = [bytes(Random(number).choices((0, 1), k=5 * 20)) for number in range(30)]
    (done,) = compact(shelf := written(tmp_path / "r" / "i" / "e", prints))
    with Segment(shelf.path(done.stem, "seg")) as segment:
        for number in range(32):
            wanted = bytes(number >> bit & 1 for bit in range(5))
            expected = [
                Posting(wanted, document, order)
                for document, one in enumerate(prints)
                for order in range(20)
                if one[5 * order : 5 * order + 5] == wanted
            ]
            assert list(segment.find([wanted])) == expected


def test_an_answer_of_500_tokens_takes_less_than_a_kilobyte(tmp_path):
    """G9: 1,000 bytes, in the log and in the segment, however many answers are in a file."""
    pick = Random(1)
    kept(tmp_path / "few" / "i" / "e", ((answer(number), " ".join(prose(pick, 375))) for number in range(200)))
    written(tmp_path / "many" / "i" / "e", sketches(3300, 83))
    for name, count, log_bytes, segment_bytes in (("few", 200, 520, 930), ("many", 3300, 520, 930)):
        (done,) = compact(Shelf(tmp_path / name / "i" / "e"))
        assert done.documents == count
        assert 400 < done.log_bytes / count < log_bytes
        assert 800 < done.segment_bytes / count < segment_bytes


def test_every_flipped_byte_is_noticed(tmp_path):
    shelf = written(tmp_path / "r" / "i" / "e", sketches(5, 9))
    (done,) = compact(shelf)
    path = shelf.path(done.stem, "seg")
    data = path.read_bytes()
    for at in [*range(60), *range(60, len(data), 97), len(data) - 1]:
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        with pytest.raises(RegistryUnavailable), Segment(path) as segment:
            segment.check()
    for size in (0, 1, 59, 60, len(data) - 1):
        path.write_bytes(data[:size])
        with pytest.raises(RegistryUnavailable):
            Segment(path)


def test_other_files_are_named_for_what_they_are(tmp_path):
    path = tmp_path / "20261102-000001.seg"
    path.write_bytes(b"x" * 100)
    with pytest.raises(RegistryUnavailable, match="another program"):
        Segment(path)
    path.write_bytes(MAGIC[:-1] + b"\x05" + b"x" * 100)
    with pytest.raises(RegistryUnavailable, match="version 5; this version of the gateway reads version 1"):
        Segment(path)
    with pytest.raises(FileNotFoundError):
        Segment(tmp_path / "gone.seg")


def test_a_damaged_head_is_no_crash(tmp_path):
    """What the directory promises and the rest does not hold: only `check` reads every byte."""
    parts = [b"\0" * 4 * 257, b"", b"", b"", b"\0\0\0\0\xff\0\0\0", b"abc"]
    path = tmp_path / "20261102-000001.seg"
    path.write_bytes(header(0, 1, parts) + b"".join(parts))
    with Segment(path) as segment:
        for number in (0, 1):
            with pytest.raises(RegistryUnavailable, match="damaged"):
                segment.document(number)


def test_a_crash_at_any_step_loses_nothing(tmp_path):
    """The process is killed before each call that changes the folder, one after the other."""
    text = " ".join(prose(Random(8), 300))
    root = Path(__file__).parents[3]
    code = """
        import os, signal, sys
        from pathlib import Path
        from gateway.registry.compact import compact
        from gateway.registry.shelf import Shelf

        left = int(sys.argv[2])
        def hook(event, args):
            global left
            made = event == "open" and isinstance(args[2], int) and args[2] & os.O_CREAT
            if made or event in ("os.rename", "os.remove"):
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left -= 1
        import gateway.registry.postings
        sys.dont_write_bytecode = True
        sys.addaudithook(hook)
        list(compact(Shelf(Path(sys.argv[1]))))
    """
    died = 0
    for step in range(20):
        folder = tmp_path / str(step) / "i" / "e"
        kept(folder, [(answer(1, "acct-a"), text), (answer(2, "acct-b"), " ".join(prose(Random(9), 300)))])
        command = [sys.executable, "-c", textwrap.dedent(code), str(folder), str(step)]
        done = subprocess.run(command, check=False, timeout=60, cwd=root, env={**os.environ})
        registry = tmp_path / str(step)
        for _ in range(2):  # as it was left, and after the next run has tidied up
            trace = traced(registry, text)
            assert [(holder.account, len(holder.sources)) for holder in trace.holders] == [("acct-a", 1)]
            list(compact(Shelf(folder)))
        assert sorted(path.suffix for path in folder.iterdir()) == ["", "", "", ".json", ".seg"]
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        died += 1
    assert died >= 4, "lock, new file, its name, the old file"


def test_a_log_with_a_damaged_end_is_kept_beside(tmp_path):
    shelf = written(tmp_path / "r" / "i" / "e", sketches(3, 4))
    (stem,) = shelf.stems()
    log = shelf.path(stem, "log")
    log.write_bytes(log.read_bytes()[:-1])
    (done,) = compact(shelf)
    assert (done.documents, done.torn) == (2, True)
    assert log.with_suffix(".log.damaged").exists()
    assert [document_of(record.head).id for record in Scan(log.with_suffix(".log.damaged").read_bytes())] == [
        answer(0).id, answer(1).id,
    ]  # fmt: skip
    assert list(compact(shelf)) == []


def test_the_log_that_is_written_is_left_alone(tmp_path):
    folder = tmp_path / "r" / "i" / "e"
    folder.parent.parent.mkdir(parents=True)
    writer = Writer(folder, UNTIL_MS, ROOT)
    writer.append(answer(1), Sketch(5, b"12345"))
    assert list(compact(Shelf(folder))) == []
    writer.append(answer(2), Sketch(5, b"12345"))
    writer.close()
    (done,) = compact(Shelf(folder))
    assert done.documents == 2


def test_what_a_dead_replica_left_open_is_sorted_an_hour_later(tmp_path):
    folder = tmp_path / "r" / "i" / "e"
    folder.parent.parent.mkdir(parents=True)
    writer = Writer(folder, UNTIL_MS, ROOT)
    writer.append(answer(1), Sketch(5, b"12345"))
    shelf = Shelf(folder)
    (stem,) = shelf.stems_of("open")
    written_ms = shelf.path(stem, "open").stat().st_mtime_ns // 1_000_000
    assert list(compact(shelf, written_ms + 2 * 3_600_000)) == [], "its writer lives"
    data = shelf.path(stem, "open").read_bytes()
    writer.close()
    shelf.path(stem, "log").unlink()
    shelf.path(stem, "open").write_bytes(data + b"torn")
    written_ms = shelf.path(stem, "open").stat().st_mtime_ns // 1_000_000
    assert list(compact(shelf, written_ms + 3_599_000)) == [], "it may be on another machine"
    (done,) = compact(shelf, written_ms + 3_602_000)
    assert (done.documents, done.torn) == (1, False)


def test_two_cannot_sort_at_once(tmp_path):
    shelf = written(tmp_path / "r" / "i" / "e", sketches(2, 2))
    with shelf.lock(".compacting", "busy"), pytest.raises(RegistryUnavailable, match="another process"):
        list(compact(shelf))
