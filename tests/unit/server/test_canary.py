"""A library that no longer bears the hand-over keeps the hot lane closed, and the gateway serves all the same."""

import asyncio
import logging
import urllib.request

import pytest

from gateway.server import canary
from gateway.server.door import Door, DoorLimits, GuardedProtocol
from tests.support.rawhttp import CHAT, Raw, chat_body, request
from tests.support.recording import recording
from tests.support.running import running


class Deaf(GuardedProtocol):
    def data_received(self, data):
        pass


class Raising(GuardedProtocol):
    def data_received(self, data):
        raise TypeError("another signature")


class Unready(GuardedProtocol):
    def connection_made(self, transport):
        raise AttributeError("_wire")


class Hasty(GuardedProtocol):
    """Ends the connection after what it was given first."""

    def data_received(self, data):
        super().data_received(data)
        self.force_close()


class Forgetful(GuardedProtocol):
    """Loses what it was given first."""

    def data_received(self, data):
        super().data_received(data[max(0, data.find(b"POST", 1)) :])


BROKEN = {one.__name__: one for one in (Deaf, Raising, Unready, Hasty, Forgetful)}


def breaking(monkeypatch, protocol):
    class Broken(Door):
        def __call__(self):
            return protocol(self, loop=self._loop, **self._door_kwargs)

    monkeypatch.setattr(canary, "Door", Broken)
    monkeypatch.setattr(canary, "_MOST_S", 0.2)


def test_with_the_library_in_use_there_is_no_fault():
    assert asyncio.run(canary.fault_of_hot_lane(DoorLimits())) is None


@pytest.mark.parametrize("limits", [DoorLimits(head_s=0.5, keepalive_s=0.5), DoorLimits(head_bytes=1024, headers=16)])
def test_nor_with_limits_that_are_tight(limits):
    assert asyncio.run(canary.fault_of_hot_lane(limits)) is None


@pytest.mark.parametrize("protocol", BROKEN.values(), ids=BROKEN)
def test_a_broken_assumption_is_a_fault(monkeypatch, protocol):
    breaking(monkeypatch, protocol)

    async def scenario():
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # what breaks there is told by the fault
        return await canary.fault_of_hot_lane(DoorLimits())

    assert asyncio.run(scenario())


def lane_of(gateway):
    with urllib.request.urlopen(gateway.ops_url + "/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    names = ("gateway_hot_lane ", "gateway_hot_lane_handovers_total ")
    return tuple(float(line.split()[1]) for line in lines if line.startswith(names))


def ask(gateway, data):
    with Raw(gateway.gateway.data_port) as raw:
        raw.send(data)
        return raw.answer()


def test_a_gateway_whose_canary_fails_serves_without_the_lane_and_says_so(monkeypatch, tmp_path, caplog):
    breaking(monkeypatch, Forgetful)
    with caplog.at_level(logging.ERROR, "gateway"), recording() as upstream:
        with running(tmp_path, upstream=upstream.url + "/v1", settings={"data": {"port": 0, "hot_lane": "on"}}) as one:
            assert ask(one, request(CHAT, chat_body(), key=one.keys["acme"])).status == 200
            assert lane_of(one) == (0, 0)
    (said,) = [record for record in caplog.records if "hot lane" in record.getMessage()]
    assert said.fields["fault"]


@pytest.mark.parametrize(("lane", "expected"), [("on", (1, 1)), ("off", (0, 0))])
def test_the_gauges_tell_the_lane(tmp_path, lane, expected):
    with (
        recording() as upstream,
        running(tmp_path, upstream=upstream.url + "/v1", settings={"data": {"port": 0, "hot_lane": lane}}) as one,
    ):
        key = one.keys["acme"]
        assert ask(one, request(CHAT, chat_body(), key=key)).status == 200
        assert lane_of(one) == (expected[0], 0)
        assert ask(one, request("/v1/models", key=key, method=b"GET")).status == 200
        assert lane_of(one) == expected
