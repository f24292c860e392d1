"""The ops listener, and readiness while the gateway drains."""

import asyncio

import pytest

from bench.scrape import fill
from gateway.server.ops import OpsPlane
from tests.support.rawhttp import Raw, request
from tests.support.running import running
from tests.support.talking import ask, get


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with running(tmp_path_factory.mktemp("gateway")) as one:
        yield one


def ops(gateway, path):
    return get(gateway.gateway.ops_port, path)


def test_alive_and_ready(gateway):
    assert (ops(gateway, "/healthz").status, ops(gateway, "/healthz").body) == (200, b"ok\n")
    assert ops(gateway, "/readyz?verbose").body == b"ready\n"


def test_not_ready_while_draining_but_alive(gateway):
    gateway.runtime.draining = True
    try:
        assert (ops(gateway, "/readyz").status, ops(gateway, "/readyz").body) == (503, b"draining\n")
        assert ops(gateway, "/healthz").status == 200
        answer = ask(gateway)
        assert answer.status == 200, "who is still connected is still served"
        assert answer.header("connection") == "close"
    finally:
        gateway.runtime.draining = False


def test_metrics_are_prometheus_text(gateway):
    ask(gateway)
    gateway.settled()
    answer = ops(gateway, "/metrics")
    assert answer.header("content-type") == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.body.decode().splitlines()
    assert "gateway_requests_in_flight 0.0" in lines
    assert "gateway_reservations_held 0.0" in lines
    assert "gateway_inflight_body_bytes 0.0" in lines
    assert any(line.startswith("gateway_build_info{") for line in lines)
    assert gateway.keys["acme"] not in answer.body.decode()


@pytest.mark.parametrize("path", ["/", "/v1/models", "/metrics/", "/admin/v1/accounts"])
def test_nothing_else_is_here(gateway, path):
    assert ops(gateway, path).status == 404


def test_only_get(gateway):
    with Raw(gateway.gateway.ops_port) as raw:
        raw.send(request("/metrics", method=b"DELETE"))
        assert raw.answer().status == 405


def test_no_inference_and_no_secrets_on_this_door(gateway):
    with Raw(gateway.gateway.ops_port) as raw:
        raw.send(request("/v1/chat/completions", b"{}", key=gateway.keys["acme"]))
        assert raw.answer().status == 405


def test_open_connections_are_counted(gateway):
    def opened() -> float:
        text = ops(gateway, "/metrics").body.decode()
        return float(next(line for line in text.splitlines() if line.startswith("gateway_connections_open")).split()[1])

    before = opened()
    with Raw(gateway.gateway.data_port) as one, Raw(gateway.gateway.data_port) as two:
        for raw in (one, two):
            raw.send(request("/v1/models", key=gateway.keys["acme"], method=b"GET"))
            assert raw.answer().status == 200
        assert opened() == before + 2, "and the scrape's own connection is not among them"


def test_others_have_their_turn_while_a_scrape_is_made(gateway):
    fill(gateway.runtime.metrics)
    turns = 0

    async def scrape() -> bytes:
        nonlocal turns
        plane = OpsPlane(gateway.runtime)
        task = asyncio.create_task(plane._scrape())
        while not task.done():
            turns += 1
            await asyncio.sleep(0)
        return task.result()

    text = gateway.call(scrape())
    assert turns >= len(list(gateway.runtime.metrics.pieces()))
    assert text.count(b"\n") > 1900


@pytest.mark.parametrize("draining", [False, True])
def test_readiness_tells_the_revision_in_force(gateway, draining):
    gateway.runtime.draining = draining
    try:
        assert ops(gateway, "/readyz").header("x-gateway-revision") == gateway.runtime.snapshot.policies.revision
    finally:
        gateway.runtime.draining = False
