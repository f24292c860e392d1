"""The process as an operator handles it: start, signals, reload, drain, kill."""

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import openai
import pytest

from tests.support import transcripts
from tests.support.recording import recording
from tests.support.running import OPEN_POLICY, running, write_files
from tests.support.served import served
from tests.support.upstream import EVENTS, chunk, stall

HELLO = [{"role": "user", "content": "Say hello"}]
WORDS = [f" w{number}" for number in range(40)]
STREAM = transcripts.chat(WORDS, with_usage=True)
MIDDLE = STREAM.index(b"\n\n", STREAM.index(WORDS[19].encode())) + 2
HALTING = [EVENTS, chunk(STREAM[:MIDDLE]), stall, chunk(STREAM[MIDDLE:]), b"0\r\n\r\n"]
"""Half of the words, and the others when the test says so: nothing hangs on how fast signals are heeded."""
TIGHT = OPEN_POLICY.replace("amount: 1000000, window: 1m", "amount: 3, window: 24h")


@pytest.fixture(scope="module")
def simulator():
    """A simulated model in a thread."""
    from gateway.cli.simulator import Simulator

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    one = Simulator(delay_s=0)
    asyncio.run_coroutine_threadsafe(one.open("127.0.0.1", 0), loop).result(10)
    yield f"http://127.0.0.1:{one.port}/v1"
    asyncio.run_coroutine_threadsafe(one.close(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def client(process, key):
    return openai.OpenAI(base_url=f"http://127.0.0.1:{process.port}/v1", api_key=key, max_retries=0)


def chat(process, key, **more):
    with client(process, key) as one:
        return one.chat.completions.create(model="sim-small", messages=HELLO, **more)


def test_sigterm_lets_streams_finish(tmp_path):
    with (
        recording(HALTING) as upstream,
        served(tmp_path, upstream.url + "/v1", settings={"timers": {"drain_s": 20}}) as (process, keys, _),
    ):
        with client(process, keys["acme"]) as one:
            stream = one.chat.completions.create(model="sim-small", messages=HELLO, stream=True)
            next(stream)
            process.signal(signal.SIGTERM)
            process.eventually(lambda: process.get("/readyz")[0] == 503, "readiness off")
            assert process.get("/healthz")[0] == 200
            with pytest.raises(openai.APIConnectionError):
                chat(process, keys["acme"])
            upstream._upstream._server.get_loop().call_soon_threadsafe(upstream._upstream.release)
            words = [part.choices[0].delta.content for part in stream]
        assert [word for word in words if word] == WORDS
        assert process.exit_code() == 0
        assert [record["outcome"] for record in process.decisions()] == ["complete"]


@pytest.mark.parametrize("hurry", [False, True], ids=["grace-over", "second-signal"])
def test_what_does_not_finish_is_told_and_settled(tmp_path, hurry):
    grace = 30 if hurry else 0.1
    with (
        recording(HALTING) as upstream,
        served(tmp_path, upstream.url + "/v1", settings={"timers": {"drain_s": grace}}) as (process, keys, _),
    ):
        with client(process, keys["acme"]) as one:
            stream = one.chat.completions.create(model="sim-small", messages=HELLO, stream=True)
            next(stream)
            process.signal(signal.SIGTERM)
            if hurry:
                process.eventually(lambda: process.get("/readyz")[0] == 503, "readiness off")
                process.signal(signal.SIGTERM)
            with pytest.raises(openai.APIError, match="shutting down"):
                list(stream)
        assert process.exit_code() == 0
        (record,) = process.decisions()
        assert (record["outcome"], record["reason"]) == ("shutdown", "draining")
        assert 0 < record["usage"]["output_tokens"] < 40
        assert record["cost_nano_usd"] > 0


def reload_metrics(process):
    text = process.get("/metrics")[1]
    good = re.search(r"^gateway_policy_last_reload_successful (\S+)", text, re.MULTILINE)[1]
    revision = re.search(r'^gateway_policy_info\{revision="(\w+)"\}', text, re.MULTILINE)[1]
    return float(good), revision


@pytest.mark.parametrize("how", ["sighup", "file-change", "admin"])
def test_reload_changes_policy_and_keeps_usage(tmp_path, simulator, how):
    poll = {"reload_poll_s": 0.1 if how == "file-change" else 3600}
    with served(tmp_path, simulator, settings=poll, policies={"open": TIGHT}) as (process, keys, token):

        def reload():
            if how == "sighup":
                process.signal(signal.SIGHUP)
            elif how == "admin":
                request = urllib.request.Request(
                    f"http://127.0.0.1:{process.admin_port}/admin/v1/reload", method="POST"
                )
                request.add_header("authorization", f"Bearer {token}")
                with urllib.request.urlopen(request, timeout=10) as answer:
                    assert answer.status == 200

        before = reload_metrics(process)[1]
        for _ in range(3):
            chat(process, keys["acme"], max_tokens=1)
        with pytest.raises(openai.RateLimitError):
            chat(process, keys["acme"], max_tokens=1)

        policy = tmp_path / "policies" / "open.yaml"
        policy.write_text(TIGHT.replace("limits:", "limts:"))
        reload()
        process.eventually(lambda: reload_metrics(process)[0] == 0, "the failed reload shows")
        assert reload_metrics(process)[1] == before
        assert "open.yaml:" in process.stderr
        with pytest.raises(openai.RateLimitError):
            chat(process, keys["acme"], max_tokens=1)

        policy.write_text(TIGHT.replace("Everything allowed", "Renamed"))
        reload()
        process.eventually(lambda: reload_metrics(process)[1] != before, "the new revision shows")
        assert reload_metrics(process)[0] == 1
        with pytest.raises(openai.RateLimitError, match="Renamed"):
            chat(process, keys["acme"], max_tokens=1)


def test_a_revoked_key_stops_at_the_next_reload(tmp_path, simulator):
    with served(tmp_path, simulator) as (process, keys, _):
        chat(process, keys["acme"], max_tokens=1)
        accounts = tmp_path / "accounts.yaml"
        key_id = keys["acme"][6:18]
        accounts.write_text(accounts.read_text().replace(f"{key_id}:\n", f"{key_id}:\n    revoked: true\n"))

        def refused():
            try:
                chat(process, keys["acme"], max_tokens=1)
            except openai.AuthenticationError:
                return True
            return False

        process.eventually(refused, "the revoked key is refused")


def test_usage_survives_kill_9(tmp_path, simulator):
    policies = {"open": TIGHT.replace("limits:", "budgets:").replace("window: 24h", "period: month")}
    settings = {"store": "sqlite:usage.sqlite"}
    with served(tmp_path, simulator, settings=settings, policies=policies) as (process, keys, _):
        for _ in range(2):
            chat(process, keys["acme"], max_tokens=1)
        process.signal(signal.SIGKILL)
        process.exit_code()
        again = type(process)(tmp_path)
        try:
            again.wait_ready()
            admitted = 0
            with pytest.raises(openai.RateLimitError) as refused:
                for _ in range(3):
                    chat(again, keys["acme"], max_tokens=1)
                    admitted += 1
            assert admitted <= 1
            assert refused.value.code == "insufficient_quota"
        finally:
            again.process.kill()
            again.exit_code()
            again.process.stderr.close()


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("gateway.yaml", "store: 'memory:'", "stoer: 'memory:'", "did you mean 'store'"),
        ("policies/open.yaml", "limits:", "limts:", "open.yaml:"),
        ("models.yaml", "- main", "- mian", "mian"),
        ("accounts.yaml", "tier: free", "teir: free", "accounts.yaml:"),
    ],
    ids=["settings", "policy", "models", "accounts"],
)
def test_a_bad_file_at_start_is_named_and_nothing_starts(tmp_path, file, old, new, says):
    write_files(tmp_path, "http://127.0.0.1:9/v1")
    path = tmp_path / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    done = start(tmp_path)
    assert done.returncode == 1
    assert says in done.stderr
    assert re.search(rf"{path.name}:\d+:\d+: ", done.stderr)
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_a_clear_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        write_files(tmp_path, "http://127.0.0.1:9/v1", settings={"data": {"port": taken.getsockname()[1]}})
        done = start(tmp_path)
    assert done.returncode == 1
    assert "address already in use" in done.stderr
    assert "Traceback" not in done.stderr


def start(folder):
    return subprocess.run(
        [sys.executable, "-m", "gateway", "serve", "--config", str(folder / "gateway.yaml")],
        capture_output=True, text=True, timeout=60, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip


def test_reload_storm_under_load_refuses_nobody(tmp_path):
    """Good and broken sets in turn while requests run: every answer is a 200 by one revision or the other."""
    with running(tmp_path) as gateway:
        policy = tmp_path / "policies" / "open.yaml"
        texts = [OPEN_POLICY, OPEN_POLICY.replace("limits:", "limts:"), OPEN_POLICY.replace("1000000", "2000000")]
        stop = threading.Event()
        problems = []

        def storm():
            turn = 0
            while not stop.is_set():
                policy.write_text(texts[turn % 3])
                problems.append(bool(gateway.call(gateway.runtime.reload())))
                turn += 1

        thread = threading.Thread(target=storm)
        thread.start()
        try:
            with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.keys["acme"], max_retries=0) as one:
                for _ in range(60):
                    assert one.chat.completions.create(model="sim-small", messages=HELLO, max_tokens=2).usage
        finally:
            stop.set()
            thread.join()
        gateway.settled()
        assert {True, False} == set(problems)
        assert len({record.revision for record in gateway.records()}) == 2
        assert json.loads(gateway.records()[0].as_line())["outcome"] == "complete"
