"""A whole gateway on loopback, in a thread of its own, so that synchronous SDKs and raw sockets can call it.

    with running(tmp_path) as gateway:
        openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.keys["acme"])

Without `upstream` a simulator is started with it. Nothing is mocked: settings, accounts, models and policies are
files in `tmp_path`, the listeners are real, and everything is stopped when the block ends.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from gateway.cli.demo import new_key, write_key_entry
from gateway.cli.simulator import Simulator
from gateway.config import load_config
from gateway.core.clock import Clock
from gateway.identity.admins import new_admin_token, token_hash
from gateway.identity.keys import Pepper
from gateway.runtime import Runtime
from gateway.server.lifecycle import Gateway
from gateway.server.routes import ROUTE_NAMES

OPEN_POLICY = """\
version: 1
id: open
title: Everything allowed
status: stable
mode: enforce
owner: tests
description: Counts requests and refuses nothing in practice.
match: all
limits:
  requests: {unit: requests, per: account, amount: 1000000, window: 1m}
"""
ACCOUNTS = {"ada": "free", "acme": "developer", "globex": "enterprise"}
PRICES = {"input": 1, "output": 2}
MODELS = {
    "sim-small": {"upstreams": ["main"], "context": 32768, "max_output": 4096, "prices": PRICES},
    "sim-large": {"upstreams": ["main"], "context": 131072, "max_output": 16384, "prices": PRICES},
    "sim-embed": {"upstreams": ["main"], "context": 8192, "max_output": 1, "prices": PRICES},
}
LANE = "TEST_LANE"
"""Environment: `reference` serves and forwards everything with aiohttp, wherever a test does not say otherwise.

It does not begin with GATEWAY_, as settings do.
"""
_TURNS = 10
"""Of the event loop: a connection that waits is taken, its bytes are read and its request begins within fewer."""
DIALECTS = ["chat", "completions", "embeddings", "responses", "messages", "count_tokens"]


class Running:
    """A started gateway as tests see it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, gateway: Gateway, keys: dict[str, str], token: str) -> None:
        self.loop = loop
        self.gateway = gateway
        self.runtime = gateway.runtime
        self.keys = keys
        self.admin_token = token
        self.simulator: Simulator | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.gateway.data_port}"

    @property
    def ops_url(self) -> str:
        return f"http://127.0.0.1:{self.gateway.ops_port}"

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self.gateway.admin_port}/admin/v1"

    def call(self, coroutine: Any) -> Any:
        """Run a coroutine on the gateway's loop and wait for what it returns."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout=60)

    def records(self) -> list[Any]:
        """Decision records, newest first."""

        async def newest() -> list[Any]:
            return self.runtime.ring.newest(4096)

        return self.call(newest())

    def settled(self) -> None:
        """Wait until no exchange is under way: what clients have seen is then settled and recorded."""

        async def idle() -> None:
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            async with asyncio.timeout(20):
                while len(self.runtime.live):
                    await asyncio.sleep(0.005)

        self.call(idle())


@contextlib.contextmanager
def running(
    folder: Path,
    *,
    upstream: str | None = None,
    policies: dict[str, str] | Path | None = None,
    models: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    upstream_settings: dict[str, Any] | None = None,
    accounts: dict[str, Any] | None = None,
    keys: dict[str, str] | None = None,
    delay_s: float = 0.0,
    clock: Clock | None = None,
) -> Iterator[Running]:
    """Start a gateway; `settings` and `upstream_settings` are laid over the defaults of the tests."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="gateway-under-test", daemon=True)
    thread.start()

    def call(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(timeout=60)

    simulator = None
    gateway = None
    try:
        if upstream is None:
            simulator = Simulator(delay_s=delay_s)
            call(simulator.open("127.0.0.1", 0))
            upstream = f"http://127.0.0.1:{simulator.port}/v1"
        keys, token = write_files(
            folder, upstream, policies=policies, models=models, settings=settings, accounts=accounts,
            upstream_settings=upstream_settings, keys=keys,
        )  # fmt: skip

        async def start() -> Gateway:
            started = Gateway(Runtime(load_config(folder / "gateway.yaml", env={}).settings, ROUTE_NAMES, clock))
            await started.start()
            return started

        gateway = call(start())
        one = Running(loop, gateway, keys, token)
        one.simulator = simulator
        yield one
    finally:
        if gateway is not None:
            call(gateway.close())
        if simulator is not None:
            call(simulator.close())
        call(_settle_loop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=20)
        loop.close()


async def _settle_loop() -> None:
    """Let closed transports finish closing, so that no socket outlives its test; no task may outlive it either."""
    async with asyncio.timeout(20):
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.02)
    await asyncio.get_running_loop().shutdown_default_executor()


def write_files(
    folder: Path,
    upstream: str,
    *,
    policies: dict[str, str] | Path | None = None,
    models: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    upstream_settings: dict[str, Any] | None = None,
    accounts: dict[str, Any] | None = None,
    keys: dict[str, str] | None = None,
) -> tuple[dict[str, str], str]:
    """Write everything a gateway reads; the keys by account (new ones unless given), and an admin token."""
    folder.mkdir(parents=True, exist_ok=True)
    pepper = Pepper("test", b"p" * 40)
    (folder / "pepper").write_bytes(pepper.value)
    if not isinstance(policies, Path):
        directory = folder / "policies"
        directory.mkdir(exist_ok=True)
        for name, text in (policies or {"open": OPEN_POLICY}).items():
            (directory / f"{name}.yaml").write_text(text)
        policies = directory
    accounts = accounts or {name: {"tier": tier} for name, tier in ACCOUNTS.items()}
    keys = keys or {name: new_key() for name in accounts}
    entries = dict(write_key_entry(name, key, pepper) for name, key in keys.items())
    _dump(folder / "accounts.yaml", {"accounts": accounts, "keys": entries})
    _dump(folder / "models.yaml", {"models": models or MODELS})
    token = new_admin_token()
    main = {"kind": "openai", "base_url": upstream, "dialects": DIALECTS, "stream_usage": True}
    document = {
        "data": {"port": 0},
        "ops": {"port": 0},
        "admin": {"port": 0},
        "store": "memory:",
        "files": {"policies": str(policies)},
        "key_pepper_files": [{"id": "test", "file": "pepper"}],
        "admins": [{"name": "tester", "role": "forensic", "token_sha256": token_hash(token)}],
        "upstreams": {"main": {**main, **(upstream_settings or {})}},
        "decision_log": "off",
        "timers": {"drain_s": 1},
        **(settings or {}),
    }
    _choose_lane(document)
    _dump(folder / "gateway.yaml", document)
    return keys, token


def _choose_lane(document: dict[str, Any]) -> None:
    if os.environ.get(LANE, "") == "reference":
        document["data"] = {"hot_lane": "off", **document["data"]}
        document["upstreams"] = {name: {"transport": "aiohttp", **one} for name, one in document["upstreams"].items()}


def _dump(path: Path, document: Any) -> None:
    path.write_text(yaml.safe_dump(document, sort_keys=False))
