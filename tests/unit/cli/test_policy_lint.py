"""`gateway policy lint` with what policies share, and with the rest of the configuration."""

import argparse
import json
from pathlib import Path

import pytest

from gateway.cli import policy

POLICY = """version: 1
id: {id}
title: T
status: testing
owner: o
description: d
match: {{tier: free}}
access: {{terms: true}}
rules: {{{id}-r: {{when: {{use: {uses}}}, then: flag}}}}
"""
DEFINITIONS = """version: 1
fragments:
  a: {seed: true}
  b: {use: a}
terms:
  closed: {document: D, distillation: forbidden}
"""
MODELS = "models: {m: {upstreams: [u], context: 10, max_output: 5, terms: closd}}\n"


def gateway(*words: str | Path) -> int:
    parser = argparse.ArgumentParser(prog="gateway")
    policy.add_parser(parser.add_subparsers(dest="command"))
    return policy.run(parser.parse_args(["policy", "lint", *map(str, words)]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    policies = tmp_path / "policies"
    policies.mkdir()
    (policies / "p.yaml").write_text(POLICY.format(id="p", uses="b"))
    (policies / "q.yaml").write_text(POLICY.format(id="q", uses="a"))
    (policies / "definitions.yaml").write_text(DEFINITIONS)
    (tmp_path / "models.yaml").write_text(MODELS)
    return policies


def test_definitions_are_read_and_linted_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gateway(folder) == 0
    assert capsys.readouterr().out == "2 policies, 0 errors, 0 warnings\n"
    (folder / "definitions.yaml").write_text(DEFINITIONS.replace("seed: true", "verified: true, not: {verified: true}"))
    assert gateway(folder) == 1
    said = capsys.readouterr().out
    assert f"{folder / 'definitions.yaml'}:3:3: error P205: 'a' can never hold" in said
    assert f"{folder / 'p.yaml'}:9:15: error P205: 'p-r' can never hold" in said


def test_what_is_unused_is_told_of_a_whole_folder_only(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "p.yaml").write_text(POLICY.format(id="p", uses="a"))
    said = []
    for path in (folder, folder / "definitions.yaml", folder / "p.yaml"):
        assert gateway(path) == 0
        said.append(capsys.readouterr().out)
    assert f"{folder / 'definitions.yaml'}:4:3: warning P401: no policy uses the fragment 'b'" in said[0]
    assert said[0] == said[1]
    assert said[2] == "1 policies, 0 errors, 0 warnings\n"


def test_models_are_held_to_the_profiles(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = folder.parent / "models.yaml"
    assert gateway(folder, "--models", models, "--json") == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    (wrong,) = [one for one in findings if one["severity"] == "error"]
    assert (wrong["source"], wrong["line"], wrong["code"], wrong["policy"]) == (str(models), 1, "P402", "")
    assert wrong["message"] == "nothing is enforced by the unknown terms profile 'closd', did you mean 'closed'?"
    assert wrong["docs"] == "docs/policies.md#p402"
    assert {one["code"] for one in findings} == {"P401", "P402"}


def test_names_that_nobody_defined_and_bad_definitions_are_unreadable(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "q.yaml").write_text(POLICY.format(id="q", uses="c"))
    assert gateway(folder) == 1
    assert capsys.readouterr().out == (
        f"{folder / 'q.yaml'}:9:27: error P001: unknown fragment 'c', expected one of: a, b\n"
    )
    (folder / "definitions.yaml").write_text("version: 1\nfragment: {}\n")
    assert gateway(folder, "--json") == 1
    (problem,) = json.loads(capsys.readouterr().out)["findings"]
    assert (problem["line"], problem["code"]) == (2, "P001")
    assert problem["message"] == "unknown key 'fragment', did you mean 'fragments'?"
