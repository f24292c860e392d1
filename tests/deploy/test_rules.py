"""promtool's word on the rule files: they are valid, and every alert fires when it should and at no other time."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.needs import missing
from tests.support.promql_rules import rule_files

pytestmark = [pytest.mark.deploy, pytest.mark.timeout(600)]

CASES = sorted((Path(__file__).parent / "rules").glob("*.yaml"))


def promtool(*arguments: str, cwd: Path | None = None) -> None:
    if shutil.which("promtool") is None:
        missing("needs promtool (Debian package prometheus)")
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False, timeout=500, cwd=cwd)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def test_the_files_are_valid():
    promtool("check", "rules", "--lint=all", "--lint-fatal", *map(str, rule_files()))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should(path):
    promtool("test", "rules", path.name, cwd=path.parent)


def test_a_case_that_does_not_hold_is_noticed(tmp_path):
    """The runs above could all pass because nothing is looked at: a wrong expectation must fail."""
    text = CASES[-1].read_text().replace("../../../helm", str(rule_files()[0].parents[2]))
    assert "value: 1}" in text
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace("value: 1}", "value: 2}", 1))
    with pytest.raises(AssertionError, match="FAILED"):
        promtool("test", "rules", wrong.name, cwd=tmp_path)
