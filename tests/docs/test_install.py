"""What docs/install.md says of the usage database and of stopping is so."""

import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.markdown import ROOT
from tests.support.served import served

PAGE = (ROOT / "docs" / "install.md").read_text()
NOWHERE = "http://127.0.0.1:9/v1"
STORE = {"settings": {"store": "sqlite:usage.sqlite"}}


def test_the_database_has_one_owner_and_is_one_file_after_a_stop(tmp_path: Path):
    one, two = tmp_path / "one", tmp_path / "two"
    with served(one, NOWHERE, **STORE) as (process, _, _):
        other = sqlite3.connect(one / "usage.sqlite", timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("SELECT * FROM meta")
        other.close()
        second = subprocess.run(
            [sys.executable, "-m", "gateway", "serve", "--config", str(one / "gateway.yaml")],
            capture_output=True, text=True, cwd=ROOT, timeout=30, check=False,
        )  # fmt: skip
        assert second.returncode == 1
        assert "another process owns it" in second.stderr
        process.signal(signal.SIGTERM)
        assert process.exit_code() == 0
    assert sorted(path.name for path in one.glob("usage.sqlite*")) == ["usage.sqlite", "usage.sqlite.accounts"]
    two.mkdir()
    shutil.copy(one / "usage.sqlite", two / "usage.sqlite")
    with served(two, NOWHERE, **STORE) as (process, _, _):
        assert process.get("/readyz") == (200, "ready\n")


def test_the_signals_that_are_documented_are_those_that_are_handled():
    handled = set(re.findall(r"signal\.(SIG[A-Z]+)", (ROOT / "gateway/server/lifecycle.py").read_text()))
    rows = re.findall(r"^\| ((?:SIG|a second)[^|]+) \|", PAGE, re.MULTILINE)
    documented = set(re.findall(r"SIG[A-Z]+", " ".join(rows)))
    assert documented - {"SIGKILL"} == handled


def test_what_pip_is_told_to_install_is_there():
    commands = re.findall(r"/bin/pip install (.+)", PAGE)
    assert commands == ["--require-hashes -r requirements/runtime.txt", "--no-deps ."]
    assert (ROOT / "requirements/runtime.txt").exists()
    assert 'gateway = "gateway.cli.main:main"' in (ROOT / "pyproject.toml").read_text()
