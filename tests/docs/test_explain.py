"""The example of `gateway policy explain` in docs/policies.md is what it prints, and its marks are explained."""

import argparse
import json
import re
import shlex
from pathlib import Path

import pytest

from gateway.cli import policy
from gateway.policy.load import read_files
from gateway.policy.run_cases import run_tests
from tests.support.markdown import ROOT

PAGE = (ROOT / "docs" / "policies.md").read_text()
YAML = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
SECTION = PAGE[PAGE.index("## Explain") : PAGE.index("## Commands")]
MODELS = """models:
  chat-large: {upstreams: [u], context: 99000, max_output: 4096, prices: {input: 3, output: 15}}
"""
BODY = {"model": "chat-large", "messages": [{"role": "user", "content": "What is a prime?"}]}
SHARE = """version: 1
id: share
title: Hidden reasoning
status: stable
match: all
rules:
"""


def test_the_example_is_what_it_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "trial.yaml").write_text(YAML[0])
    (tmp_path / "accounts.yaml").write_text("accounts: {ada: {tier: trial}}\n")
    (tmp_path / "models.yaml").write_text(MODELS)
    (tmp_path / "body.json").write_text(json.dumps(BODY))
    (command,) = re.findall(r"^gateway (policy explain --.*)$", SECTION, re.MULTILINE)
    here = {
        "--config gateway.yaml": f"--policies {tmp_path}/policies --accounts {tmp_path}/accounts.yaml "
        f"--models {tmp_path}/models.yaml --at 2026-03-02T12:00:00Z",
        "body.json": f"{tmp_path}/body.json",
    }
    for said, meant in here.items():
        assert said in command
        command = command.replace(said, meant)
    parser = argparse.ArgumentParser(prog="gateway")
    policy.add_parser(parser.add_subparsers(dest="command"))
    assert policy.run(parser.parse_args(shlex.split(command))) == 0
    (example,) = re.findall(r"```text\n(.*?)```", SECTION, re.DOTALL)
    assert _without_revision(capsys.readouterr().out) == _without_revision(example)


def test_the_cases_of_a_share_pass(tmp_path: Path) -> None:
    (rule,) = re.findall(r"`(harvest: \{.*?\}\S*)`", PAGE)
    (tmp_path / "share.yaml").write_text(f"{SHARE}  {rule}\n")
    (tmp_path / "share.test.yaml").write_text(YAML[2])
    report = run_tests(read_files([tmp_path / "share.yaml"]), [tmp_path / "share.test.yaml"])
    assert [result.failures for result in report.results] == [(), ()]
    assert report.uncovered == []


@pytest.mark.parametrize(
    "mark", ["yes", "no", "?", "(found: …)", "<- decides", "broken", "kept", "lowers", "later", "asks", "NO ROOM"]
)
def test_every_mark_is_explained(mark: str) -> None:
    source = "".join(path.read_text() for path in (ROOT / "gateway" / "policy" / "explain").glob("*.py"))
    source += (ROOT / "gateway" / "policy" / "trace.py").read_text()
    assert mark.removesuffix(" …)") in source
    assert f"`{mark}`" in SECTION


def _without_revision(text: str) -> str:
    return re.sub(r"policies [0-9a-f]{12}\b", "policies REVISION", text)
