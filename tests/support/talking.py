"""Asking a running gateway for something, in as few words as a test of limits needs."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from gateway.cli.demo import new_key, write_key_entry
from gateway.core.clock import ManualClock
from gateway.identity.keys import Pepper
from gateway.sources import upstream_settings
from gateway.upstreams.bridge import Bridge
from gateway.wiring import transport_of
from tests.support.rawhttp import Raw, RawAnswer, request
from tests.support.running import Running

PATHS = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "embeddings": "/v1/embeddings",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
    "count_tokens": "/v1/messages/count_tokens",
}
HELLO = [{"role": "user", "content": "hi"}]
PROMPTS: dict[str, dict[str, Any]] = {
    "chat": {"messages": HELLO},
    "completions": {"prompt": "hi"},
    "embeddings": {"input": "hi"},
    "responses": {"input": "hi"},
    "messages": {"messages": HELLO, "max_tokens": 9},
    "count_tokens": {"messages": HELLO},
}
STREAMED = ("chat", "completions", "responses", "messages")


def ask(
    gateway: Running,
    dialect: str = "chat",
    *,
    key: str | None = None,
    model: str = "sim-small",
    headers: tuple[bytes, ...] = (),
    **more: Any,
) -> RawAnswer:
    """One request over a connection of its own, and its whole answer. Without a key, acme asks."""
    body = json.dumps({"model": model, **PROMPTS[dialect], **more}).encode()
    with Raw(gateway.gateway.data_port) as raw:
        raw.send(request(PATHS[dialect], body, key=key or gateway.keys["acme"], headers=headers))
        return raw.answer()


def get(port: int, path: str, key: str | None = None, headers: tuple[bytes, ...] = ()) -> RawAnswer:
    """One GET."""
    with Raw(port) as raw:
        raw.send(request(path, key=key, method=b"GET", headers=headers))
        return raw.answer()


def usage(gateway: Running, key: str | None = None) -> dict[str, dict[str, Any]]:
    """The caller's own limits by name, as /v1/usage shows them once everything is settled."""
    gateway.settled()
    answer = get(gateway.gateway.data_port, "/v1/usage", key or gateway.keys["acme"])
    assert answer.status == 200, answer
    return {entry["limit"]: entry for entry in answer.json()["limits"]}


def used(gateway: Running, key: str | None = None) -> dict[str, int]:
    return {name: entry["used"] for name, entry in usage(gateway, key).items()}


def code(answer: RawAnswer) -> str:
    """The reason of a refusal in either family; empty for a good answer."""
    if answer.status < 400:
        return ""
    error = answer.json()["error"]
    return error["details"]["error_code"] if "details" in error else error["code"]


def stopped(now_ms: int = 1_800_000_000_000) -> ManualClock:
    """A clock that stands still, some time after the machine was started: 0 is no time to an exchange."""
    clock = ManualClock(now_ms - 1000)
    clock.advance(1)
    return clock


def many(count: int, call: Any) -> list[Any]:
    """`call(number)` from as many threads at once."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(call, range(count)))


def policy(
    limits: str = "",
    budgets: str = "",
    *,
    name: str = "tight",
    mode: str = "enforce",
    match: str = "all",
    more: str = "",
) -> dict[str, str]:
    """One policy file; `limits` and `budgets` are YAML in flow style without the braces."""
    text = (
        f"version: 1\nid: {name}\ntitle: {name.title()}\nstatus: stable\nmode: {mode}\nowner: tests\n"
        f"description: What a test runs into.\nmatch: {match}\n"
    )
    text += f"limits: {{{limits}}}\n" if limits else ""
    text += f"budgets: {{{budgets}}}\n" if budgets else ""
    return {name: text + more}


def fresh_bridge(gateway: Running) -> None:
    """Forget the upstreams' health, while nobody is on them: behind an open breaker nothing would be tested."""

    async def swap() -> None:
        runtime = gateway.runtime
        settings = upstream_settings(runtime.settings)
        old = runtime.pipeline.bridge
        runtime.pipeline.bridge = Bridge(settings, transport_of, runtime.clock, runtime.events)
        await old.close()

    gateway.call(swap())


def settle_in(
    gateway: Running,
    folder: Path,
    accounts: dict[str, dict[str, Any]],
    keys: dict[str, str],
    orgs: tuple[str, ...] = (),
) -> dict[str, str]:
    """Replace the accounts of a running gateway; new keys by the names that `keys` gives to accounts."""
    pepper = Pepper("test", b"p" * 40)
    made = {name: new_key() for name in keys}
    entries = dict(write_key_entry(account, made[name], pepper) for name, account in keys.items())
    document: dict[str, Any] = {"accounts": accounts, "keys": entries}
    if orgs:
        document["orgs"] = {org: {} for org in orgs}
    (folder / "accounts.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    assert gateway.call(gateway.runtime.reload()) == []
    return made
