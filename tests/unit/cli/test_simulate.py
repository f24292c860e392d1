import socket
import subprocess
import sys
import urllib.request

import pytest

from gateway.cli.main import main
from gateway.cli.simulator import FAULTS, MODELS


def test_help_names_every_fault(capsys):
    with pytest.raises(SystemExit) as done:
        main(["simulate", "--help"])
    assert done.value.code == 0
    text = capsys.readouterr().out
    for name in FAULTS:
        assert f"fault:{name}" in text


def test_it_serves_until_it_is_stopped():
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", "simulate", "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            url = process.stdout.readline().split()[-1]
            with urllib.request.urlopen(f"{url}/models", timeout=10) as answer:
                assert MODELS[0] in answer.read().decode()
        finally:
            process.terminate()


def test_a_taken_port_is_a_sentence(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["simulate", "--port", str(taken.getsockname()[1])]) == 1
    assert "cannot listen on 127.0.0.1:" in capsys.readouterr().err
