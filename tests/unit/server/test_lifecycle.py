"""Draining inside one process: who may finish, who is told, and what is closed."""

import asyncio
import os
import signal
import socket
import threading

import pytest

from gateway.config import SecretMissing, load_config
from gateway.runtime import Runtime
from gateway.server import lifecycle
from gateway.server.lifecycle import Gateway
from gateway.server.routes import ROUTE_NAMES
from tests.support import transcripts
from tests.support.rawhttp import CHAT, Raw, chat_body, request
from tests.support.recording import recording
from tests.support.running import running, write_files
from tests.support.upstream import EVENTS, chunk, stall

FIRST = transcripts.line(transcripts.chat_chunk({"content": "word"}))


def begin(raw, gateway):
    """A stream that has begun and stalls."""
    raw.send(request(CHAT, chat_body(stream=True), key=gateway.keys["acme"]))
    assert raw.head().status == 200
    assert b"word" in raw._until(b"\n\n")


@pytest.mark.parametrize("hurried", [False, True])
def test_streams_that_outlast_the_grace_are_told_and_settled(tmp_path, hurried):
    grace = 30 if hurried else 0.05
    with (
        recording([EVENTS, chunk(FIRST), stall]) as upstream,
        running(tmp_path, upstream=upstream.url + "/v1", settings={"timers": {"drain_s": grace}}) as gateway,
        Raw(gateway.gateway.data_port) as raw,
        Raw(gateway.gateway.data_port) as idle,
    ):
        idle.send(request("/v1/models", key=gateway.keys["acme"], method=b"GET"))
        assert idle.answer().status == 200
        begin(raw, gateway)
        records = []
        runtime = gateway.runtime
        emit = runtime.ring.emit
        runtime.ring.emit = lambda record: (records.append(record.record()), emit(record))

        async def drain():
            hurry = asyncio.Event()
            if hurried:
                hurry.set()
            await gateway.gateway.drain(hurry)

        gateway.call(drain())
        assert runtime.draining
        rest = raw.rest()
        assert b'"code":"draining"' in rest
        assert b"[DONE]" not in rest
        assert idle.closed()
        assert [(record.outcome, record.status) for record in records] == [("shutdown", 200)]
        assert records[0].usage.estimated
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", gateway.gateway.data_port))


def test_without_anything_under_way_draining_is_quick(tmp_path):
    with running(tmp_path, settings={"timers": {"drain_s": 30}}) as gateway:
        gateway.call(asyncio.wait_for(gateway.gateway.drain(), 5))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", gateway.gateway.ops_port))


def test_a_taken_port_closes_what_was_opened(tmp_path):
    async def scenario():
        taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = taken.sockets[0].getsockname()[1]
        write_files(tmp_path, "http://127.0.0.1:9/v1", settings={"admin": {"port": port}})
        gateway = Gateway(Runtime(load_config(tmp_path / "gateway.yaml", env={}).settings, ROUTE_NAMES))
        with pytest.raises(OSError, match="address already in use"):
            await gateway.start()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", gateway.data_port)
        taken.close()
        await taken.wait_closed()

    asyncio.run(scenario())


def test_a_certificate_of_no_use_closes_what_was_opened(tmp_path):
    async def scenario():
        settings = {
            "data": {"port": 0, "tls": {"cert_file": "no.pem", "key_file": "no.key"}}, "store": "sqlite:usage.sqlite"
        }  # fmt: skip
        write_files(tmp_path, "http://127.0.0.1:9/v1", settings=settings)
        gateway = Gateway(Runtime(load_config(tmp_path / "gateway.yaml", env={}).settings, ROUTE_NAMES))
        with pytest.raises(SecretMissing, match=r"data\.tls: .*no\.pem and .*no\.key cannot be used together: No such"):
            await gateway.start()
        assert gateway.runtime.store._writer is None

    asyncio.run(scenario())


def test_a_pass_that_fails_is_logged_and_the_next_one_comes(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(lifecycle, "_TICK_S", 0.01)
    with running(tmp_path) as gateway:
        live = gateway.runtime.live
        calls = threading.Semaphore(0)

        def broken(*_):
            calls.release()
            raise ZeroDivisionError

        monkeypatch.setattr(live, "stop_slow_readers", broken)
        assert calls.acquire(timeout=10)
        assert calls.acquire(timeout=10)
    assert "the periodic pass failed" in caplog.messages


def test_signals_reload_and_then_stop(tmp_path):
    """In the main thread, as signals need it."""
    assert threading.current_thread() is threading.main_thread()

    async def scenario():
        write_files(tmp_path, "http://127.0.0.1:9/v1")
        settings = load_config(tmp_path / "gateway.yaml", env={}).settings
        gateway = Gateway(Runtime(settings, ROUTE_NAMES))
        await gateway.start()
        before = gateway.runtime.snapshot
        running_ = asyncio.create_task(gateway.run_until_stopped())
        await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGHUP)
        async with asyncio.timeout(10):
            while gateway.runtime.snapshot is before:
                await asyncio.sleep(0.01)
            os.kill(os.getpid(), signal.SIGTERM)
            await running_
        assert gateway.runtime.draining

    asyncio.run(scenario())
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_signal_during_start_up_stops_it_in_order(tmp_path):
    async def scenario():
        write_files(tmp_path, "http://127.0.0.1:9/v1", settings={"store": "sqlite:usage.sqlite"})
        gateway = Gateway(Runtime(load_config(tmp_path / "gateway.yaml", env={}).settings, ROUTE_NAMES))
        gateway.heed_signals()
        os.kill(os.getpid(), signal.SIGTERM)
        await gateway.start()
        await asyncio.wait_for(gateway.run_until_stopped(), 10)
        assert gateway.runtime.draining
        assert gateway.runtime.store._writer is None

    asyncio.run(scenario())


def test_the_periodic_pass_renews_and_the_watch_reloads(tmp_path):
    """A stream outlives its reservation's first expiry, and a changed file is taken up by itself."""
    settings = {"reservation": {"ttl_s": 2}, "reload_poll_s": 0.05}
    with (
        recording([EVENTS, chunk(FIRST), stall]) as upstream,
        running(tmp_path, upstream=upstream.url + "/v1", settings=settings) as gateway,
        Raw(gateway.gateway.data_port) as raw,
    ):
        begin(raw, gateway)
        before = gateway.runtime.snapshot
        [held] = gateway.call(gateway.runtime.store.held())
        policy = tmp_path / "policies" / "open.yaml"
        policy.write_text(policy.read_text().replace("Everything", "All"))

        async def until(condition):
            async with asyncio.timeout(15):
                while not await condition():
                    await asyncio.sleep(0.05)

        async def renewed():
            [now] = await gateway.runtime.store.held()
            return now.expires_at_ms > held.expires_at_ms

        async def reloaded():
            return gateway.runtime.snapshot is not before

        gateway.call(until(renewed))
        gateway.call(until(reloaded))
