"""A gateway of its own for each file of tests, and the command line turned on it."""

import pytest

from gateway.cli.main import main
from tests.support.running import running


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with running(tmp_path_factory.mktemp("gateway")) as one:
        yield one


@pytest.fixture
def run(gateway, monkeypatch, capsys):
    """Run a verb against the gateway: (exit status, standard output, standard error)."""
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", gateway.admin_token)
    monkeypatch.delenv("GATEWAY_ADMIN_TOKEN_FILE", raising=False)

    def call(*words):
        status = main([*words, "--admin-url", f"http://127.0.0.1:{gateway.gateway.admin_port}"])
        return status, *capsys.readouterr()

    return call
