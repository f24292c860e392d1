"""The files in examples/ are complete and agree with each other."""

import re
import shutil

import pytest

from gateway.cli.main import main
from gateway.config import Settings
from gateway.yamlio import load_file
from tests.support.markdown import ROOT


@pytest.fixture
def examples(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    for name in ("GATEWAY_CONFIG", "GATEWAY_KEY_PEPPER_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert main(["keys", "new-pepper", str(tmp_path / "examples" / "pepper.txt")]) == 0
    return tmp_path / "examples"


def test_they_pass_the_check(examples, capsys):
    assert main(["config", "check", "--config", str(examples / "gateway.yaml")]) == 0
    assert "warning" not in capsys.readouterr().err


def test_the_shipped_policies_fit_them(examples, capsys):
    files = [f"--{name}={examples / name}.yaml" for name in ("models", "accounts")]
    assert main(["policy", "lint", str(examples.parent / "policies"), *files]) == 0
    assert "0 errors" in capsys.readouterr().out


def test_a_key_can_be_added(examples):
    before = (examples / "accounts.yaml").read_text()
    config = ["--config", str(examples / "gateway.yaml"), "--write", str(examples / "accounts.yaml")]
    assert main(["keys", "new", "--account", "ada", *config]) == 0
    after = (examples / "accounts.yaml").read_text()
    assert set(before.splitlines()) < set(after.splitlines())
    assert main(["config", "check", "--config", str(examples / "gateway.yaml")]) == 0


def test_every_group_of_settings_is_shown_or_left_out_on_purpose():
    shown = set(load_file(ROOT / "examples" / "gateway.yaml").value)
    left_out = {"accounts", "limits", "reservation", "reload_poll_s", "observe", "redis", "policy_archive", "watermark"}
    assert set(Settings.model_fields) - shown == left_out


def test_what_is_commented_out_are_real_settings():
    text = (ROOT / "examples" / "gateway.yaml").read_text()
    commented = set(re.findall(r"^ *# ([a-z]\w*): ", text, re.MULTILINE))
    assert commented == {"tls", "api_key_file"}
