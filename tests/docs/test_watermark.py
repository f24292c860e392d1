"""docs/watermark.md knows every verdict and every reason, and its figures are what the code computes."""

import re
from typing import get_args

import pytest

from gateway.watermarks.buckets import WIDTHS, vector_of
from gateway.watermarks.commitment import DECOYS
from gateway.watermarks.correction import Tried
from gateway.watermarks.decoys import SPREAD
from gateway.watermarks.power import least_units
from gateway.watermarks.score import Score, log10_text, tail_of
from gateway.watermarks.verdict import Name, Reason, Rules
from tests.support.markdown import ROOT

PAGE = (ROOT / "docs" / "watermark.md").read_text()
ALPHA = Rules().alpha


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table that starts with this heading cell."""
    table = PAGE[PAGE.index(f"| {heading} |") :].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def test_every_verdict_and_every_reason_is_told():
    assert [row[0].strip("`") for row in rows("verdict")] == [
        "attributed",
        "several_accounts",
        "provider_marked",
        "none",
        "inconclusive",
    ]
    assert {row[0].strip("`") for row in rows("verdict")} == set(get_args(Name))
    assert {row[0].strip("`") for row in rows("reason")} == set(get_args(Reason))


def test_the_table_of_lengths():
    assert WIDTHS == (4096, 65_536)
    table = rows("uplift")
    assert len(table) == 6
    for uplift, *cells in table:
        computed = []
        for width in WIDTHS:
            for accounts in (1, 1000, 100_000):
                z = Tried(accounts).least_z(ALPHA)
                half, most = (least_units(z, float(uplift), width, chance) for chance in (0.5, 0.99))
                computed.append(f"{half} / {most}" if half else "never")
        assert cells == computed, uplift


def test_the_example():
    score, vector = Score(150, 400), vector_of(range(400), 4096)
    corrected = Tried(100_000).corrected(score.log_bound)
    shown = re.search(
        r"z = (\S+)\. The bound is (\S+), the exact tail (\S+)\. .*\naccounts the corrected p is (\S+),", PAGE
    )
    assert shown is not None
    computed = [str(score.z), *(log10_text(p) for p in (score.log_bound, tail_of(150, vector).log_p, corrected))]
    assert [float(each) for each in shown.groups()] == [float(each) for each in computed]


@pytest.mark.parametrize(
    ("tried", "z"),
    [(Tried(1), "5.26"), (Tried(100_000), "7.12"), (Tried(100_000, epochs=12, schemes=3, windows=20), "7.99")],
)
def test_the_price_of_trying(tried, z):
    assert f"{tried.least_z(ALPHA):.2f}" == z
    assert z in PAGE


def test_the_defaults():
    assert ALPHA == 1e-6
    assert Rules().least_power == 0.99
    assert (DECOYS, SPREAD) == (10_000, (0.9, 1.1))
    assert "10,000 codewords" in PAGE
    assert "outside 0.9 to 1.1" in PAGE
