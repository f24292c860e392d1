from pathlib import Path

import pytest

from gateway.policy.load import policy_paths, read_directory, read_files
from gateway.yamlio import YamlProblems

GOOD = "version: 1\nid: {id}\ntitle: T\nstatus: testing\nmatch: all\n"


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def test_tests_and_hidden_files_are_no_policies(tmp_path: Path) -> None:
    write(tmp_path, b=GOOD.format(id="b"), a=GOOD.format(id="a"))
    (tmp_path / "a.test.yaml").write_text("cases: []")
    (tmp_path / ".hidden.yaml").write_text("nonsense")
    (tmp_path / "README.md").write_text("x")
    assert [path.name for path in policy_paths(tmp_path)] == ["a.yaml", "b.yaml"]
    assert [file.policy.id for file in read_directory(tmp_path)] == ["a", "b"]


def test_every_problem_of_every_file_is_reported(tmp_path: Path) -> None:
    write(tmp_path, a=GOOD.format(id="A b"), b="version: 1\nversion: 1\n", c=GOOD.format(id="c") + "limit: {}\n")
    with pytest.raises(YamlProblems) as caught:
        read_directory(tmp_path)
    assert {Path(problem.source).name for problem in caught.value.problems} == {"a.yaml", "b.yaml", "c.yaml"}


def test_two_policies_of_one_id(tmp_path: Path) -> None:
    write(tmp_path, a=GOOD.format(id="same"), b=GOOD.format(id="same"))
    with pytest.raises(YamlProblems) as caught:
        read_directory(tmp_path)
    (problem,) = caught.value.problems
    assert (Path(problem.source).name, problem.line) == ("b.yaml", 2)
    assert "also in" in problem.message
    assert problem.message.endswith("a.yaml")


def test_a_folder_without_policies_is_not_a_set_that_allows_everything(tmp_path: Path) -> None:
    with pytest.raises(YamlProblems, match="no policy files"):
        read_directory(tmp_path)
    with pytest.raises(YamlProblems, match="expected a directory"):
        read_directory(tmp_path / "nowhere")


def test_a_file_is_checked_again_only_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(GOOD.format(id="p"))
    (first,), (second,) = read_files([path]), read_files([path])
    assert first is second
    path.write_text(GOOD.format(id="p") + "description: changed\n")
    (third,) = read_files([path])
    assert third.policy.description == "changed"
    path.write_text("version: 1\n")
    for _ in range(2):
        with pytest.raises(YamlProblems, match="missing key 'id'"):
            read_files([path])
