"""The bench of receipts runs, and every figure is there."""

import asyncio
import re

from bench import receipts
from gateway.receipts.signers import signers_of


def test_every_figure_is_measured(tmp_path, monkeypatch):
    for name, value in {"_WINDOWS": 2, "_CALLS": 2, "_EVENTS": 5, "_KEPT": 20}.items():
        monkeypatch.setattr(receipts, name, value)
    signers = signers_of([receipts._PERIOD])
    shown = receipts.whole(signers) + receipts.streams(signers) + asyncio.run(receipts.kept(signers, tmp_path))
    rows = re.findall(r"^\| ([\w ,]+?) +\| (.*) \|$", shown, re.MULTILINE)
    names = [name for name, _ in rows if name != "what"]
    assert names == [
        "answer of 1 KiB", "answer of 16 KiB", "answer of 256 KiB", "checking one", "each event", "the ending, once",
        "20 receipts",
    ]  # fmt: skip
    figures = [float(value) for name, cells in rows if name != "what" for value in re.findall(r"\d+\.\d+", cells)]
    assert len(figures) == 3 * 6 + 3 + 3 * 2 + 2
    assert all(figure >= 0 for figure in figures)
