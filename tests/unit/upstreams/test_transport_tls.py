"""TLS towards an upstream, on every client and loop; everything else is in the contract and chaos suites."""

import pytest

from gateway.upstreams import TRANSPORTS
from gateway.upstreams.base import Call, UpstreamFailed
from gateway.upstreams.settings import UpstreamSettings
from tests.support import loops
from tests.support.loops import every_loop  # noqa: F401 - each test runs on each loop
from tests.support.tls import authority, server_context
from tests.support.upstream import ScriptedUpstream, ok

pytestmark = pytest.mark.parametrize("make", TRANSPORTS.values(), ids=TRANSPORTS)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return authority(tmp_path_factory.mktemp("tls"))


def ask(make, tls, times=1, **files):
    """(bodies, connections) of `times` calls, or the failure."""

    async def main():
        async with ScriptedUpstream(ok(b"{}"), tls=tls) as upstream:
            settings = UpstreamSettings(
                "up", "generic", upstream.url, frozenset({"chat"}), **{name: str(path) for name, path in files.items()}
            )
            transport = make(settings)
            try:
                bodies = []
                for _ in range(times):
                    reply = await transport.send(Call("POST", "/v1/x", {}, b"{}", stream=False))
                    bodies.append(await reply.read())
                    reply.finish()
            except UpstreamFailed as failure:
                return failure
            else:
                return bodies, len(upstream.peers)
            finally:
                await transport.close()

    return loops.run(main())


def test_a_server_of_the_named_authority_is_trusted_and_its_connection_reused(make, certificates):
    tls = server_context(certificates)
    assert ask(make, tls, 3, ca_file=certificates / "ca.pem") == ([b"{}"] * 3, 1)


def test_a_server_of_an_unknown_authority_gets_nothing(make, certificates):
    failed = ask(make, server_context(certificates))
    assert (failed.phase, failed.sent) == ("connect", False)


def test_a_client_certificate_is_shown_when_asked_for(make, certificates):
    tls = server_context(certificates, ask_client=True)
    files = {"client_cert_file": certificates / "client.pem", "client_key_file": certificates / "client.key"}
    assert ask(make, tls, ca_file=certificates / "ca.pem", **files) == ([b"{}"], 1)


def test_without_the_client_certificate_the_call_fails(make, certificates):
    failed = ask(make, server_context(certificates, ask_client=True), ca_file=certificates / "ca.pem")
    assert isinstance(failed, UpstreamFailed)
    assert not failed.stale


def test_a_missing_file_is_an_error_at_once(make):
    with pytest.raises(FileNotFoundError):
        make(UpstreamSettings("up", "generic", "https://h", frozenset(), ca_file="/does/not/exist"))


def test_reading_past_the_end_is_the_end(make):
    async def main():
        async with ScriptedUpstream(ok(b"{}")) as upstream:
            transport = make(UpstreamSettings("up", "generic", upstream.url, frozenset()))
            reply = await transport.send(Call("GET", "/v1/x", {}, b"", stream=False))
            got = await reply.read(), await reply.read()
            reply.finish()
            await transport.close()
            return got, upstream.requests[0]

    got, (head, body) = loops.run(main())
    assert got == (b"{}", b"")
    assert head.startswith(b"GET /v1/x HTTP/1.1\r\n")
    assert body == b""


@pytest.mark.parametrize("size", [0, 100_000, 3_000_000])
def test_bodies_of_every_size_pass_both_ways(make, certificates, size):
    async def main():
        async with ScriptedUpstream(ok(b"y" * size), tls=server_context(certificates)) as upstream:
            files = {"ca_file": str(certificates / "ca.pem")}
            transport = make(UpstreamSettings("up", "generic", upstream.url, frozenset({"chat"}), **files))
            bodies = []
            for _ in range(2):
                reply = await transport.send(Call("POST", "/v1/x", {}, b"x" * size, stream=False))
                bodies.append(await reply.read())
                reply.finish()
            await transport.close()
            return bodies, [body for _, body in upstream.requests], len(upstream.peers)

    assert loops.run(main()) == ([b"y" * size] * 2, [b"x" * size] * 2, 1)
