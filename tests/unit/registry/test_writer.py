"""Logs: a crash at any byte loses the record it tore and no other; a full disk is said and survived."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from gateway.registry.records import LOG_MAGIC, Document, Scan, document_of, framed
from gateway.registry.shelf import RegistryUnavailable, Shelf, shelves
from gateway.registry.sketch import Sketch
from gateway.registry.writer import Writer
from tests.support.registries import DAY_MS, NOON_MS, ROOT, UNTIL_MS, answer

THREE = Sketch(9, b"aaaaabbbbbccccc")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "registry" / "replica-1" / "2026-q4"


@pytest.fixture(autouse=True)
def _parent(folder: Path):
    folder.parents[1].parent.mkdir(exist_ok=True)


def opened(folder: Path, most_bytes: int = 1 << 20) -> Writer:
    return Writer(folder, UNTIL_MS, ROOT, most_bytes)


def ids(folder: Path) -> list[str]:
    """Of all records in all files."""
    found = []
    for stem in Shelf(folder).stems():
        for suffix in ("log", "open"):
            path = Shelf(folder).path(stem, suffix)
            if path.exists():
                found += [document_of(record.head).id for record in Scan(path.read_bytes())]
    return found


def test_a_record_comes_back_as_it_went_in():
    document = Document("req_1", "acct-ä", "gemma-3", "gemma", NOON_MS, 375)
    (record,) = Scan(LOG_MAGIC + framed(document, b"12345abcde"))
    assert document_of(record.head) == document
    assert record.fingerprints == b"12345abcde"


def test_names_are_cut_rather_than_refused():
    (record,) = Scan(LOG_MAGIC + framed(Document("r" * 900, "a", "", "m", 1, 2**40), b""))
    assert document_of(record.head) == Document("r" * 255, "a", "", "m", 1, 2**32 - 1)


def test_everything_is_for_the_owner_only(folder):
    writer = opened(folder)
    writer.append(answer(1), THREE)
    for path in (*folder.parents[1].rglob("*"), folder.parents[1]):
        assert path.stat().st_mode & 0o077 == 0, path
    writer.close()


def test_what_was_appended_is_there_at_once(folder):
    writer = opened(folder)
    writer.append(answer(1), THREE)
    assert ids(folder) == [answer(1).id]
    writer.sync()
    writer.append(answer(2), THREE)
    writer.close()
    assert ids(folder) == [answer(1).id, answer(2).id]
    assert Shelf(folder).stems_of("open") == []


def test_a_log_is_closed_when_it_is_large_and_when_the_day_is_over(folder):
    writer = opened(folder, most_bytes=500)
    for number in range(6):
        writer.append(answer(number), THREE)
    writer.append(answer(6, issued_ms=NOON_MS + DAY_MS), THREE)
    writer.append(answer(7, issued_ms=NOON_MS), THREE)  # one that took a day to answer begins no log of its own
    writer.close()
    shelf = Shelf(folder)
    assert [stem[:8] for stem in shelf.stems_of("log")] == ["20261102", "20261102", "20261103"]
    assert all(shelf.path(stem, "log").stat().st_size <= 500 for stem in shelf.stems())
    assert ids(folder) == [answer(number).id for number in range(8)]


def test_a_writer_that_wrote_nothing_leaves_no_log(folder):
    opened(folder).close()
    assert Shelf(folder).stems() == []


def test_a_crash_at_any_byte_loses_only_the_torn_record(folder):
    first, second, third = (Document(name, "a", "", "m", NOON_MS, 5) for name in "123")
    frames = [framed(document, b"12345") for document in (first, second)]
    data = LOG_MAGIC + b"".join(frames)
    opened(folder).close()
    path = Shelf(folder).path("20261102-000001", "open")
    for cut in range(len(data) + 1):
        path.write_bytes(data[:cut])
        whole = ["1", "2"][: (cut >= len(LOG_MAGIC + frames[0])) + (cut >= len(data))]
        writer = opened(folder)
        assert ids(folder) == whole, cut
        writer.append(third, THREE)
        writer.close()
        assert ids(folder) == [*whole, "3"], cut
        for left in Shelf(folder).stems():
            log = Shelf(folder).path(left, "log")
            scan = Scan(log.read_bytes())
            assert list(scan)
            assert not scan.torn, "what was torn off is gone"
            log.unlink()


def test_rubbish_after_a_whole_record_is_cut_off(folder):
    writer = opened(folder)
    writer.append(answer(1), THREE)
    writer.close()
    (stem,) = Shelf(folder).stems()
    log = Shelf(folder).path(stem, "log")
    data = log.read_bytes()
    for rubbish in (b"\0" * 100, b"\xff" * 100, framed(answer(2), b"12345")[:-1] + b"!"):
        assert len(list(Scan(data + rubbish))) == 1


def test_two_processes_cannot_write_to_one_folder(folder):
    writer = opened(folder)
    with pytest.raises(RegistryUnavailable, match="another process writes"):
        opened(folder)
    writer.close()
    opened(folder).close()


def test_a_lost_log_of_another_program_is_refused_and_kept(folder):
    opened(folder).close()
    path = Shelf(folder).path("20261102-000001", "open")
    path.write_bytes(b"not ours at all")
    with pytest.raises(RegistryUnavailable, match="another program"):
        opened(folder)
    path.write_bytes(LOG_MAGIC[:-1] + b"\x09")
    with pytest.raises(RegistryUnavailable, match="version 1, found version 9"):
        opened(folder)
    assert path.exists()


@pytest.mark.parametrize("name", ["..", "", ".hidden", "x" * 65, "a b", "ä"])
def test_names_cannot_lead_elsewhere(tmp_path, name):
    with pytest.raises(ValueError, match="named with letters"):
        Shelf(tmp_path / "instance" / name / "epoch" if name else Path("epoch"))
    with pytest.raises(ValueError, match="named with letters"):
        Shelf(tmp_path / "instance" / (name or ".."))


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(RegistryUnavailable, match="No such file"):
        Writer(tmp_path / "gone" / "registry" / "one" / "2026-q4", UNTIL_MS, ROOT)
    with pytest.raises(RegistryUnavailable, match="No such file"):
        shelves(tmp_path / "gone")


def test_a_folder_of_another_version_is_refused(folder):
    opened(folder).close()
    about = folder / "about.json"
    about.write_text(about.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(RegistryUnavailable, match="format 2 with fingerprints 1; this version"):
        opened(folder)
    about.write_text("{}")
    with pytest.raises(RegistryUnavailable, match="says of itself"):
        opened(folder)


def test_files_without_a_salt_get_no_new_one(folder):
    writer = opened(folder)
    writer.append(answer(1), THREE)
    writer.close()
    (folder / "salt").unlink()
    with pytest.raises(RegistryUnavailable, match="salt is gone"):
        opened(folder)
    assert not (folder / "salt").exists()


def test_a_salt_of_the_wrong_size_is_refused(folder):
    opened(folder).close()
    (folder / "salt").write_bytes(b"short")
    with pytest.raises(RegistryUnavailable, match="expected 32 bytes, found 5"):
        opened(folder)


def test_a_full_disk_is_said_and_the_log_stays_whole(folder):
    """A limit on file size stands in for the full disk: the last write is cut short in the middle of a record."""
    code = f"""
        import resource, signal
        from gateway.registry.shelf import RegistryUnavailable
        from gateway.registry.sketch import Sketch
        from tests.support.registries import answer
        from tests.unit.registry.test_writer import THREE, opened
        from pathlib import Path

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        writer = opened(Path({str(folder)!r}))
        writer.append(answer(0), THREE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, resource.RLIM_INFINITY))
        refused = 0
        for number in range(1, 10):
            try:
                writer.append(answer(number), THREE)
            except RegistryUnavailable as error:
                assert "File too large" in str(error), error
                refused += 1
        assert refused == 7, refused
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
        writer.append(answer(99), THREE)
        writer.close()
    """
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=60, cwd=root, env={**os.environ})
    assert ids(folder) == [answer(0).id, answer(1).id, answer(2).id, answer(99).id]
