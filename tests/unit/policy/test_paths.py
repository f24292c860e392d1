from pathlib import Path

import pytest

from gateway.policy.paths import find_files
from gateway.yamlio import YamlProblems


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.yaml", "a.test.yaml", "b.yaml", ".c.yaml", "notes.txt"):
        (tmp_path / name).write_text("")
    return tmp_path


def names(found: tuple[list[Path], list[Path]]) -> tuple[list[str], list[str]]:
    return [path.name for path in found[0]], [path.name for path in found[1]]


def test_a_folder_is_all_of_it(folder: Path) -> None:
    assert names(find_files([folder])) == (["a.yaml", "b.yaml"], ["a.test.yaml"])


def test_a_policy_and_its_tests_belong_together(folder: Path) -> None:
    expected = (["a.yaml"], ["a.test.yaml"])
    assert names(find_files([folder / "a.yaml"])) == expected
    assert names(find_files([folder / "a.test.yaml"])) == expected
    assert names(find_files([folder / "b.yaml"])) == (["b.yaml"], [])


def test_a_file_named_twice_is_read_once(folder: Path) -> None:
    assert names(find_files([folder, folder / "a.yaml"]))[0] == ["a.yaml", "b.yaml"]


def test_what_policies_share_stands_for_all_of_them(folder: Path) -> None:
    (folder / "definitions.yaml").write_text("")
    assert names(find_files([folder / "definitions.yaml"])) == names(find_files([folder]))


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(YamlProblems, match="no such file"):
        find_files([tmp_path / "x.yaml"])
    with pytest.raises(YamlProblems, match="no policy files"):
        find_files([tmp_path])
