"""Names and addresses, on a loop that answers look-ups itself."""

import asyncio
import socket
from urllib.parse import urlsplit

import pytest

from gateway.upstreams.base import Call, UpstreamFailed
from gateway.upstreams.pool.alarms import Alarms
from gateway.upstreams.pool.connection import Connection
from gateway.upstreams.pool.dial import Dial
from gateway.upstreams.pool.transport import PoolTransport
from gateway.upstreams.settings import UpstreamSettings
from tests.support import loops
from tests.support.upstream import ScriptedUpstream, ok

NOBODY = "127.0.0.2"
"""Where these tests listen on no port."""


class Names(asyncio.SelectorEventLoop):
    """`model.test` is at `addresses`, or `error` is what asking for it brings; a look-up waits for `gate`."""

    def __init__(self):
        super().__init__()
        self.addresses = ["127.0.0.1"]
        self.error = None
        self.gate = None
        self.asked = 0

    async def getaddrinfo(self, host, port, **_kind):
        assert host == "model.test"
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in self.addresses]


def dialled(body):
    """`body(loop, dial, make)` with a server of one's own behind the name."""

    async def main():
        loop = asyncio.get_running_loop()
        async with ScriptedUpstream(ok()) as upstream:
            dial = Dial(loop, urlsplit(f"http://model.test:{upstream.port}"), None)
            made = []

            def make():
                made.append(Connection(loop, Alarms(loop), lambda _: None))
                return made[-1]

            try:
                await body(loop, lambda: dial(make), dial)
            finally:
                for connection in made:
                    if hasattr(connection, "transport"):
                        connection.abort()
                await dial.close()
                await asyncio.sleep(0)

    loops.run(main(), Names)


def peer(connection):
    return connection.transport.get_extra_info("peername")[0]


def test_a_name_is_looked_up_once_for_all_who_connect():
    async def body(loop, dial, _):
        loop.gate = asyncio.Event()
        dialling = [asyncio.ensure_future(dial()) for _ in range(10)]
        await asyncio.sleep(0)
        loop.gate.set()
        assert {peer(connection) for connection in await asyncio.gather(*dialling)} == {"127.0.0.1"}
        await dial()
        assert loop.asked == 1

    dialled(body)


def test_an_address_where_nobody_listens_is_passed_over():
    async def body(loop, dial, _):
        loop.addresses = [NOBODY, "127.0.0.1"]
        assert [peer(await dial()) for _ in range(3)] == ["127.0.0.1"] * 3

    dialled(body)


def test_connections_spread_over_what_a_name_stands_for():
    async def body(loop, dial, it):
        loop.addresses = ["127.0.0.1", "127.0.0.3", "127.0.0.4"]
        assert [await it._addresses() for _ in range(4)] == [
            ["127.0.0.3", "127.0.0.4", "127.0.0.1"],
            ["127.0.0.4", "127.0.0.1", "127.0.0.3"],
            ["127.0.0.1", "127.0.0.3", "127.0.0.4"],
            ["127.0.0.3", "127.0.0.4", "127.0.0.1"],
        ]

    dialled(body)


@pytest.mark.parametrize(
    "error", [socket.gaierror(-2, "Name or service not known: model.test"), OSError(5, "x"), None], ids=str
)
def test_a_name_that_leads_nowhere_is_a_connect_failure_that_names_nothing(error):
    async def body(loop, dial, _):
        loop.error = error
        loop.addresses = []
        with pytest.raises(UpstreamFailed) as caught:
            await dial()
        assert (caught.value.phase, caught.value.sent, caught.value.timeout) == ("connect", False, False)
        assert "model.test" not in str(caught.value)
        loop.error = None
        loop.addresses = ["127.0.0.1"]
        assert peer(await dial()) == "127.0.0.1"

    dialled(body)


def test_whoever_waits_for_a_name_hears_of_the_closing():
    async def body(loop, dial, it):
        loop.gate = asyncio.Event()
        dialling = asyncio.ensure_future(dial())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await it.close()
        with pytest.raises(UpstreamFailed):
            await dialling

    dialled(body)


def test_leaving_while_a_name_is_looked_up_leaves_it_to_the_others():
    async def body(loop, dial, _):
        loop.gate = asyncio.Event()
        leaving, staying = (asyncio.ensure_future(dial()) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        loop.gate.set()
        assert peer(await staying) == "127.0.0.1"
        assert loop.asked == 1

    dialled(body)


def test_nobody_at_any_address():
    async def body(loop, dial, _):
        loop.addresses = [NOBODY, "127.0.0.3"]
        with pytest.raises(UpstreamFailed) as caught:
            await dial()
        assert str(caught.value) == "the upstream could not be reached: Connection refused"

    dialled(body)


@pytest.mark.parametrize("factory", loops.LOOPS.values(), ids=loops.LOOPS)
def test_localhost_by_its_name(factory):
    async def main():
        async with ScriptedUpstream(ok()) as upstream:
            url = upstream.url.replace("127.0.0.1", "localhost")
            transport = PoolTransport(UpstreamSettings("up", "generic", url, frozenset({"chat"})))
            answer = await transport.send(Call("POST", "/v1/x", {}, b"{}", stream=False))
            body = await answer.read()
            answer.finish()
            await transport.close()
            return body, upstream.requests[0][0].split(b"\r\n")[1]

    body, host = loops.run(main(), factory)
    assert body == b"{}"
    assert host.startswith(b"host: localhost:")
