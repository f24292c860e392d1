import argparse
from pathlib import Path

import pytest

from gateway.cli import policy

GOOD = "version: 1\nid: p\n"
TURNED = "id: p\nversion: 1\n"


def gateway(*words: str | Path) -> int:
    parser = argparse.ArgumentParser(prog="gateway")
    policy.add_parser(parser.add_subparsers(dest="command"))
    return policy.run(parser.parse_args(["policy", "fmt", *map(str, words)]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.yaml").write_text(TURNED)
    (tmp_path / "p.test.yaml").write_text("cases: []\nmodels: {}\n")
    (tmp_path / "definitions.yaml").write_text("words: {}\nversion: 1\n")
    (tmp_path / "q.yaml").write_text(GOOD)
    (tmp_path / "notes.txt").write_text("b: 1\na: 2\n")
    return tmp_path


def test_a_folder_is_laid_out_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "q.yaml").stat().st_ino
    assert gateway(folder) == 0
    assert capsys.readouterr().out == (
        f"laid out {folder / 'definitions.yaml'}\nlaid out {folder / 'p.test.yaml'}\nlaid out {folder / 'p.yaml'}\n"
        "4 files, 3 laid out, 0 problems\n"
    )
    assert (folder / "p.yaml").read_text() == GOOD
    assert (folder / "definitions.yaml").read_text() == "version: 1\nwords: {}\n"
    assert (folder / "q.yaml").stat().st_ino == before
    assert gateway(folder) == 0
    assert capsys.readouterr().out == "4 files, 0 laid out, 0 problems\n"
    assert not list(folder.glob(".*"))


def test_check_writes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gateway("--check", folder / "p.yaml", folder / "q.yaml") == 1
    assert capsys.readouterr().out == f"would lay out {folder / 'p.yaml'}\n2 files, 1 to lay out, 0 problems\n"
    assert (folder / "p.yaml").read_text() == TURNED
    assert gateway("--check", folder / "q.yaml") == 0


def test_what_cannot_be_laid_out_is_named_and_the_others_are_done(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.yaml").write_text("{id: p, version: 1}\n")
    (folder / "b.yaml").write_bytes(b"id: \xff\n")
    assert gateway(folder) == 1
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        f"{folder / 'a.yaml'}:1:1: expected keys on lines of their own, without braces",
        f"{folder / 'b.yaml'}:1:1: not UTF-8",
    ]
    assert said.out.endswith("6 files, 3 laid out, 2 problems\n")
    assert (folder / "p.yaml").read_text() == GOOD
    assert gateway(folder / "nowhere") == 1


def test_a_link_stays_a_link_and_rights_stay_as_they_were(folder: Path) -> None:
    (folder / "p.yaml").chmod(0o640)
    link = folder / "sub" / "p.yaml"
    link.parent.mkdir()
    link.symlink_to(folder / "p.yaml")
    assert gateway(link) == 0
    assert link.is_symlink()
    assert (folder / "p.yaml").read_text() == GOOD
    assert (folder / "p.yaml").stat().st_mode & 0o777 == 0o640


def test_windows_line_ends_go(folder: Path) -> None:
    (folder / "q.yaml").write_bytes(b"version: 1\r\nid: p\r\n")
    assert gateway("--check", folder / "q.yaml") == 1
    assert gateway(folder / "q.yaml") == 0
    assert (folder / "q.yaml").read_bytes() == GOOD.encode()
