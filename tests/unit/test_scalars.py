"""Moments and sizes as files write them."""

import pytest
from pydantic import TypeAdapter

from gateway.scalars import Line, moment_ms, size_bytes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-02", 86_400_000),
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01T01:00:00.5+01:00", 500),
        ("2027-01-15T08:00:00+00:00", 1_800_000_000_000),
    ],
)
def test_moments(text: str, expected: int):
    assert moment_ms(text) == expected


@pytest.mark.parametrize("value", ["", "soon", "2026-13-01", "2026-01-01T00:00:00", "20260101", 5, None, "2026-1-1 "])
def test_what_is_no_moment_is_refused(value: object):
    with pytest.raises(ValueError, match="expected a date like 2026-03-01"):
        moment_ms(value)


@pytest.mark.parametrize(
    ("value", "expected"), [(5, 5), ("5", 5), ("64 MiB", 64 << 20), ("1KiB", 1024), ("2 GiB", 2 << 30)]
)
def test_sizes(value: object, expected: int):
    assert size_bytes(value) == expected


def test_lines_are_one_printable_line():
    line = TypeAdapter(Line)
    assert line.validate_python("two words é") == "two words é"
    for text in ("a\nb", "\x1b[31m", "a\u202eb", "x" * 501):
        with pytest.raises(ValueError, match=r"expected one line|at most 500"):
            line.validate_python(text)


@pytest.mark.parametrize("value", ["", "5 MB", "-1", "1.5 MiB", "5  MiB", "MiB", "٣"])
def test_what_is_no_size_is_refused(value: str):
    with pytest.raises(ValueError, match="64 MiB"):
        size_bytes(value)
