"""Builds beside each other: a row for each tree, and never another tree than the one that was named."""

import re

from bench.builds import HEAD, main, measure
from gateway.core.build import COMPILED
from tests.support.markdown import ROOT


def test_a_row_for_each_tree_in_the_order_given():
    rows = measure([ROOT, ROOT / "tests" / ".."], windows=1)
    assert [row[0] for row in rows] == [str(ROOT), f"{ROOT}/tests/.."]
    for row in rows:
        assert len(row) == len(HEAD)
        assert row[1] == ("yes" if COMPILED else "no")
        assert re.fullmatch(r"\d+\.\d / \d+\.\d / \d+\.\d", row[2])


def test_a_folder_without_a_gateway_is_not_measured(tmp_path, capsys):
    assert main([str(ROOT), str(tmp_path)]) == 1
    told = "a checkout was expected, and there is no gateway/__main__.py"
    assert capsys.readouterr().err == f"bench: {tmp_path}: {told}\n"
