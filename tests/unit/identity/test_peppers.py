"""Peppers from files."""

from pathlib import Path

import pytest

from gateway.identity.keys import fingerprint
from gateway.identity.peppers import load_peppers
from gateway.yamlio import YamlProblems

VALUE = b"0123456789abcdef0123456789abcdef"


def test_reads_values_without_their_line_end(tmp_path: Path):
    (tmp_path / "one").write_bytes(VALUE + b"\n")
    (tmp_path / "two").write_bytes(VALUE[::-1])
    one, two = load_peppers([("a", tmp_path / "one"), ("", tmp_path / "two")])
    assert (one.id, one.value) == ("a", VALUE)
    assert two.id == fingerprint(VALUE[::-1])


@pytest.mark.parametrize(
    ("content", "says"), [(b"short", "found 5"), (b"\n" * 100, "found 0"), (b"x" * 5000, "found more")]
)
def test_refuses_values_of_the_wrong_size(tmp_path: Path, content: bytes, says: str):
    (tmp_path / "p").write_bytes(content)
    with pytest.raises(YamlProblems, match=says):
        load_peppers([("", tmp_path / "p")])


def test_refuses_absent_files_and_equal_ids(tmp_path: Path):
    (tmp_path / "p").write_bytes(VALUE)
    with pytest.raises(YamlProblems, match="cannot be read"):
        load_peppers([("", tmp_path / "absent")])
    with pytest.raises(YamlProblems, match="same id"):
        load_peppers([("", tmp_path / "p"), ("", tmp_path / "p")])
