"""What the examples become, word for word; UPDATE_GOLDEN=1 (make chart-golden) writes the files anew."""

import os
import re
from pathlib import Path

import pytest

from tests.support.helm import EXAMPLES, rendered

pytestmark = pytest.mark.deploy

GOLDEN = Path(__file__).parents[1] / "golden" / "helm"
ELSEWHERE = re.compile(r"^# Source: \S+/(prometheusrules|dashboards|policies)\.yaml$", re.MULTILINE)
"""Files that are delivered as they are: test_chart_config and test_chart_monitoring compare them with their source."""


def shown(example: Path) -> str:
    """The manifests in the order of their files, without what is compared elsewhere."""
    parts = [part.strip("\n") for part in re.split(r"^---\n", rendered(example), flags=re.MULTILINE)]
    kept = [part for part in parts if part and not ELSEWHERE.search(part)]
    return "---\n" + "\n---\n".join(sorted(kept)) + "\n"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_manifests_are_as_reviewed(example: Path):
    expected = GOLDEN / example.name
    text = shown(example)
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(text)
    assert text == expected.read_text()


def test_there_is_no_golden_file_without_an_example():
    assert {path.name for path in GOLDEN.iterdir()} == {path.name for path in EXAMPLES}
