"""TLS towards an upstream; everything else is in the contract and chaos suites."""

import asyncio

import pytest

from gateway.upstreams.aiohttp_transport import AiohttpTransport
from gateway.upstreams.base import Call, UpstreamFailed
from gateway.upstreams.settings import UpstreamSettings
from tests.support.tls import authority, server_context
from tests.support.upstream import ScriptedUpstream, ok


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return authority(tmp_path_factory.mktemp("tls"))


def ask(tls, times=1, **files):
    """(bodies, connections) of `times` calls, or the failure."""

    async def main():
        async with ScriptedUpstream(ok(b"{}"), tls=tls) as upstream:
            settings = UpstreamSettings(
                "up", "generic", upstream.url, frozenset({"chat"}), **{name: str(path) for name, path in files.items()}
            )
            transport = AiohttpTransport(settings)
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

    return asyncio.run(main())


def test_a_server_of_the_named_authority_is_trusted_and_its_connection_reused(certificates):
    tls = server_context(certificates)
    assert ask(tls, 3, ca_file=certificates / "ca.pem") == ([b"{}"] * 3, 1)


def test_a_server_of_an_unknown_authority_gets_nothing(certificates):
    failed = ask(server_context(certificates))
    assert (failed.phase, failed.sent) == ("connect", False)


def test_a_client_certificate_is_shown_when_asked_for(certificates):
    tls = server_context(certificates, ask_client=True)
    files = {"client_cert_file": certificates / "client.pem", "client_key_file": certificates / "client.key"}
    assert ask(tls, ca_file=certificates / "ca.pem", **files) == ([b"{}"], 1)


def test_without_the_client_certificate_the_call_fails(certificates):
    failed = ask(server_context(certificates, ask_client=True), ca_file=certificates / "ca.pem")
    assert isinstance(failed, UpstreamFailed)
    assert not failed.stale


def test_a_missing_file_is_an_error_at_once():
    with pytest.raises(FileNotFoundError):
        AiohttpTransport(UpstreamSettings("up", "generic", "https://h", frozenset(), ca_file="/does/not/exist"))


def test_reading_past_the_end_is_the_end():
    async def main():
        async with ScriptedUpstream(ok(b"{}")) as upstream:
            transport = AiohttpTransport(UpstreamSettings("up", "generic", upstream.url, frozenset()))
            reply = await transport.send(Call("GET", "/v1/x", {}, b"", stream=False))
            got = await reply.read(), await reply.read()
            reply.finish()
            await transport.close()
            return got, upstream.requests[0]

    got, (head, body) = asyncio.run(main())
    assert got == (b"{}", b"")
    assert head.startswith(b"GET /v1/x HTTP/1.1\r\n")
    assert body == b""
