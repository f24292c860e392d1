"""The bench of accounts runs: every figure is there, and each key was found where it was said to be."""

import asyncio
import re

from bench.accounts import measure


def test_every_figure_is_measured():
    shown = asyncio.run(measure(400, 5))
    assert "400 keys of 20 accounts in SQLite" in shown
    rows = re.findall(r"^\| (\w[^|]+?) +\| +([0-9./ ]+) \|$", shown, re.MULTILINE)
    assert [name for name, _ in rows] == [
        "key of the file", "key in memory", "key from the book", "no key, from the book", "no key, in memory",
    ]  # fmt: skip
    assert all(float(value) > 0 for _, values in rows for value in values.split("/"))
