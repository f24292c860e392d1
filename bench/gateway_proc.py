"""`gateway serve` as an operator runs it: the shipped policies, three limits, metrics, decision records in a file.

The store is `memory:`: the figures are those of the path, not of a disk. The tier that carries the load keeps its
shipped policy with larger amounts, because the shipped ones would refuse the load in its first second; the tier
that is to be refused keeps them as shipped.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.process import child, port_said
from gateway import yamlio
from gateway.cli.demo import write_key_entry
from gateway.identity.keys import Pepper, new_key

SHIPPED = Path(__file__).resolve().parents[1] / "policies"
_READY = re.compile(r"^gateway ready: data 127\.0\.0\.1:(\d+)", re.MULTILINE)
_AMOUNT = re.compile(r"(unit: (?!usd)\w+,.*?amount: )(\d+)")
_THREE_LIMITS = """\
version: 1
id: bench
title: Three limits for the bench
status: stable
mode: enforce
owner: bench
description: Requests, total tokens and concurrency of each key.
match:
  tier: enterprise
limits:
  requests: {unit: requests, per: key, amount: 1500000, window: 1m}
  tokens: {unit: total_tokens, per: key, amount: 2000000000, window: 1m}
  in-flight: {unit: concurrent, per: key, amount: 100000}
"""

_NOTHING: Mapping[str, str] = {}
_TIERS: Mapping[str, str] = {"acme": "enterprise", "spent": "none"}


@dataclass(frozen=True, slots=True)
class Setup:
    """In what a gateway that is measured differs from the usual one."""

    data: Mapping[str, str] = field(default_factory=dict)
    """More settings of the data listener."""
    upstream: Mapping[str, str] = field(default_factory=dict)
    """More settings of both upstreams."""
    three_limits: bool = True
    tiers: Mapping[str, str] = field(default_factory=lambda: _TIERS)
    """Accounts, each with one key, and their tiers."""
    policies: Mapping[str, str] = field(default_factory=dict)
    """Further policies: texts of files by name."""


USUAL = Setup()


@dataclass(frozen=True, slots=True)
class Served:
    """A running gateway: `key` is admitted, `spent_key` is over its limits after five requests."""

    process: subprocess.Popen[bytes]
    port: int
    keys: Mapping[str, str]
    """By account."""

    @property
    def key(self) -> str:
        return self.keys["acme"]

    @property
    def spent_key(self) -> str:
        return self.keys["spent"]


def roomy(policy: str) -> str:
    """A policy's text with every amount but money's a thousand times as large."""
    return _AMOUNT.sub(lambda found: f"{found[1]}{int(found[2]) * 1000}", policy)


@contextmanager
def gateway(
    folder: Path,
    answers_port: int,
    streams_port: int,
    where: set[int],
    more: Mapping[str, str] = _NOTHING,
    setup: Setup = USUAL,
) -> Iterator[Served]:
    """Serving while the block runs: model `bench` is answered whole, `bench-stream` in chunks.

    `more` are further policies: texts of files by name.
    """
    folder.mkdir()
    keys = _write(folder, answers_port, streams_port, setup)
    for name, text in more.items():
        (folder / "policies" / f"{name}.yaml").write_text(text)
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(folder / "gateway.yaml")]
    log = folder / "log"
    with child(command, where, log) as process:
        yield Served(process, port_said(process, log, _READY), keys)


def _write(folder: Path, answers_port: int, streams_port: int, setup: Setup = USUAL) -> dict[str, str]:
    (folder / "policies").mkdir()
    for path in SHIPPED.glob("*.yaml"):
        if not path.name.endswith(".test.yaml"):
            text = path.read_text()
            (folder / "policies" / path.name).write_text(roomy(text) if path.stem == "enterprise" else text)
    added = {"bench": _THREE_LIMITS, **setup.policies} if setup.three_limits else setup.policies
    for name, text in added.items():
        (folder / "policies" / f"{name}.yaml").write_text(text)
    pepper = Pepper("bench", b"p" * 40)
    (folder / "pepper").write_bytes(pepper.value)
    keys = {account: new_key() for account in setup.tiers}
    entries = dict(write_key_entry(account, key, pepper) for account, key in keys.items())
    accounts = {account: {"tier": tier} for account, tier in setup.tiers.items()}
    _dump(folder / "accounts.yaml", {"accounts": accounts, "keys": entries})
    facts = {"context": 131072, "max_output": 16384, "prices": {"input": 0.15, "output": 0.6}}
    models = {name: {"upstreams": [upstream], **facts} for name, upstream in _MODELS.items()}
    _dump(folder / "models.yaml", {"models": models})
    _dump(folder / "gateway.yaml", _settings(folder, answers_port, streams_port, setup))
    return keys


_MODELS = {"bench": "answers", "bench-stream": "streams"}


def _settings(folder: Path, answers_port: int, streams_port: int, setup: Setup = USUAL) -> dict[str, Any]:
    def upstream(port: int) -> dict[str, Any]:
        return {
            "kind": "openai",
            "base_url": f"http://127.0.0.1:{port}/v1",
            "dialects": ["chat"],
            "stream_usage": True,
            "max_connections": 8192,
            **setup.upstream,
        }

    return {
        "data": {"port": 0, **setup.data},
        "ops": {"port": 0},
        "admin": {"port": 0},
        "store": "memory:",
        "key_pepper_files": [{"id": "bench", "file": "pepper"}],
        "upstreams": {"answers": upstream(answers_port), "streams": upstream(streams_port)},
        "limits": {"max_inflight_requests": 8192},
        "decision_log": str(folder / "decisions.jsonl"),
        "timers": {"drain_s": 1},
    }


def _dump(path: Path, document: dict[str, Any]) -> None:
    path.write_text(yamlio.dump(document))
