"""Which client an upstream gets, from the settings file on."""

import pytest

from gateway.config import load_config
from gateway.sources import upstream_settings
from gateway.upstreams import TRANSPORTS
from gateway.upstreams.aiohttp_transport import AiohttpTransport
from gateway.upstreams.pool.transport import PoolTransport
from gateway.wiring import transport_of
from gateway.yamlio import YamlProblems
from tests.support.running import LANE, write_files


def made(folder, **more):
    write_files(folder, "http://127.0.0.1:9/v1", upstream_settings=more)
    (settings,) = upstream_settings(load_config(folder / "gateway.yaml", env={}).settings, {})
    return transport_of(settings)


def test_the_pool_unless_told_otherwise(tmp_path, monkeypatch):
    monkeypatch.delenv(LANE, raising=False)  # in which case the tests are what tells otherwise
    assert type(made(tmp_path)) is PoolTransport


@pytest.mark.parametrize(("name", "kind"), [("pool", PoolTransport), ("aiohttp", AiohttpTransport)])
def test_the_one_that_is_named(tmp_path, name, kind):
    assert type(made(tmp_path, transport=name)) is kind


def test_every_implementation_can_be_named(tmp_path):
    for name in TRANSPORTS:
        made(tmp_path, transport=name)
    with pytest.raises(YamlProblems, match="transport"):
        made(tmp_path, transport="other")
