"""`gateway config`: one line for each problem, all files in one go, and no secret shown."""

import json
from pathlib import Path

import pytest

from gateway.cli.main import main
from tests.support.config_dir import write_config


def test_a_complete_configuration_is_ok(tmp_path: Path, capsys):
    assert main(["config", "check", "--config", str(write_config(tmp_path))]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "ok\n"


def test_problems_of_every_file_come_together(tmp_path: Path, capsys):
    path = write_config(tmp_path)
    (tmp_path / "accounts.yaml").write_text("accounts:\n  a: {teir: x, tier: y}\n")
    (tmp_path / "models.yaml").write_text("models:\n  m: {upstreams: [mian], context: 1, max_output: 1}\n")
    (tmp_path / "policies" / "everyone.yaml").write_text("versoin: 1\n")
    (tmp_path / "pepper").write_text("short")
    assert main(["config", "check", "--config", str(path)]) == 1
    shown = capsys.readouterr()
    places = {line.split(":")[0].rsplit("/", 1)[1] for line in shown.out.splitlines()}
    assert places == {"pepper", "models.yaml", "everyone.yaml"}
    assert f"{tmp_path}/models.yaml:2:19: unknown upstream 'mian', did you mean 'main'?" in shown.out
    (tmp_path / "pepper").write_text("p" * 40)
    assert main(["config", "check", "--config", str(path)]) == 1
    assert f"{tmp_path}/accounts.yaml:2:7: unknown key 'teir', did you mean 'tier'?" in capsys.readouterr().out


def test_a_missing_credential_is_a_problem(tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    path = write_config(tmp_path)
    path.write_text(path.read_text().replace("connect_s: 5", "api_key_env: NO_SUCH_KEY"))
    assert main(["config", "check", "--config", str(path)]) == 1
    shown = capsys.readouterr()
    assert f"{path}:6:3: upstreams.main.api_key_env: the variable NO_SUCH_KEY is not set" in shown.out
    assert "without TLS" in shown.err


def test_json_output(tmp_path: Path, capsys):
    path = write_config(tmp_path, more="stoer: x\n")
    assert main(["config", "check", "--json", "--config", str(path)]) == 1
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert (problem["line"], problem["message"]) == (7, "unknown key 'stoer', did you mean 'store'?")


def test_the_file_can_come_from_the_environment(tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GATEWAY_CONFIG", str(write_config(tmp_path)))
    assert main(["config", "check"]) == 0
    assert capsys.readouterr().err == "ok\n"


@pytest.mark.parametrize("verb", ["check", "show"])
def test_an_absent_file_is_a_usage_error(tmp_path: Path, capsys, verb: str):
    assert main(["config", verb, "--config", str(tmp_path / "absent.yaml")]) == 2
    assert "no such file" in capsys.readouterr().err


def test_show_prints_every_setting_with_its_source_and_no_secret(tmp_path: Path, capsys):
    path = write_config(tmp_path, more=f"admins: [{{name: ada, token_sha256: '{'7' * 64}'}}]\n")
    assert main(["config", "show", "--config", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "limits.body_bytes: 67108864" in shown
    assert f"# {path}:1" in shown
    assert "777" not in shown.replace(str(tmp_path), ""), "the folder has a number of its own"
    assert "pepper-of" not in shown
    assert main(["config", "show", "--json", "--config", str(path)]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"name": "ops.port", "value": 0, "source": f"{path}:2"} in rows
    assert {"name": "admins[0].token_sha256", "value": "********", "source": f"{path}:7"} in rows


def test_show_of_a_broken_file_says_where(tmp_path: Path, capsys):
    path = write_config(tmp_path, more="x: 1\n")
    assert main(["config", "show", "--config", str(path)]) == 1
    assert f"{path}:7:1: unknown key 'x'" in capsys.readouterr().err
