"""`gateway demo`: everything at once on this machine, for the first five minutes. No network, no store, no setup."""

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from gateway import yamlio
from gateway.cli.serve import cannot_start, new_loop
from gateway.cli.simulator import Simulator
from gateway.config import SecretMissing, load_config
from gateway.core.jsonio import JsonError, loads
from gateway.identity.admins import new_admin_token, token_hash
from gateway.identity.keys import Pepper, digest, fingerprint, new_key, parse
from gateway.observe import log
from gateway.runtime import Runtime
from gateway.server.lifecycle import Gateway
from gateway.server.routes import ROUTE_NAMES
from gateway.stores.base import StoreUnavailable
from gateway.yamlio import YamlProblems

_POLICIES = Path(__file__).resolve().parents[2] / "policies"
_ACCOUNTS = {"ada": "free", "acme": "developer", "globex": "enterprise"}
_PRICES = {"input": 0.15, "output": 0.60}
_MODELS: dict[str, Any] = {
    "sim-small": {"context": 32768, "max_output": 4096, "prices": _PRICES},
    "sim-large": {"context": 131072, "max_output": 16384, "prices": {"input": 2.5, "output": 12.5}},
    "sim-embed": {"context": 8192, "max_output": 1, "prices": {"input": 0.02, "output": 0}},
}


@dataclass(frozen=True, slots=True)
class Setup:
    """What was made up for this run."""

    config: Path
    keys: dict[str, str]
    admin_token: str
    model: str
    forbidden: str


def add_parser(subparsers: Any) -> None:
    """Register the verb."""
    parser = subparsers.add_parser(
        "demo",
        help="run it with a simulated model, sample accounts and policies",
        description="Run a gateway with made-up accounts and keys in front of a simulated model, or of a real one.",
        epilog="example: gateway demo --upstream http://127.0.0.1:8000/v1",
    )
    parser.add_argument("--upstream", metavar="URL", help="a real OpenAI-compatible server instead of the simulation")
    policies = "policies to apply (default: the shipped ones)"
    parser.add_argument("--policies", type=Path, default=_POLICIES, metavar="FOLDER", help=policies)
    for flag, name, port in (("--port", "data", 8080), ("--ops-port", "ops", 9091), ("--admin-port", "admin", 9092)):
        what = f"{name} port (default {port}; 0: a free one)"
        parser.add_argument(flag, type=_port, default=port, metavar="PORT", help=what)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, found {text!r}")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Exit 0 after Ctrl-C, 1 when it cannot start, 2 for wrong usage."""
    if not args.policies.is_dir():
        # An installed package has none: they are files to be edited, not code.
        print(f"gateway demo: {args.policies}: no such folder; expected --policies FOLDER", file=sys.stderr)
        return 2
    log.install(sys.stderr)
    with tempfile.TemporaryDirectory(prefix="gateway-demo-") as folder, asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(_demo(args, Path(folder)))


async def _demo(args: argparse.Namespace, folder: Path) -> int:
    simulator = Simulator(delay_s=0.02)
    models = _MODELS
    if args.upstream and not args.upstream.startswith(("http://", "https://")):
        print(
            f"gateway demo: --upstream {args.upstream}: expected an address like http://127.0.0.1:8000/v1",
            file=sys.stderr,
        )
        return 2
    if args.upstream:
        try:
            models = await _models_of(args.upstream)
        except (aiohttp.ClientError, TimeoutError, JsonError, KeyError, TypeError) as error:
            what = f"GET {models_url(args.upstream)} failed ({type(error).__name__})"
            print(f"gateway demo: {what}: is an OpenAI-compatible server running there?", file=sys.stderr)
            return 1
    else:
        await simulator.open("127.0.0.1", 0)
    try:
        base_url = args.upstream or f"http://127.0.0.1:{simulator.port}/v1"
        setup = write_setup(folder, base_url, models, args.policies, (args.port, args.ops_port, args.admin_port))
        gateway = Gateway(Runtime(load_config(setup.config, env={}).settings, ROUTE_NAMES))
        gateway.heed_signals()
        await gateway.start()
        print(_welcome(setup, gateway), flush=True)
        await gateway.run_until_stopped()
    except (YamlProblems, SecretMissing, StoreUnavailable, OSError) as error:
        return cannot_start(error)
    finally:
        await simulator.close()
    return 0


def models_url(base_url: str) -> str:
    """Where a server lists its models, whether or not its address was given with /v1."""
    return base_url.rstrip("/").removesuffix("/v1") + "/v1/models"


async def _models_of(base_url: str) -> dict[str, Any]:
    """What a real server serves, as entries of models.yaml with a made-up price."""
    url = models_url(base_url)
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session, session.get(url) as answer:
        listed = loads(await answer.content.read(1 << 20))["data"]
    return {entry["id"]: {"context": 32768, "max_output": 4096, "prices": _PRICES} for entry in listed}


def write_setup(
    folder: Path, base_url: str, models: dict[str, Any], policies: Path, ports: tuple[int, int, int]
) -> Setup:
    """Write the settings, the accounts, the models and the secrets of a demo into a folder of its own."""
    value = secrets.token_hex(32).encode()
    pepper = Pepper(fingerprint(value), value)
    (folder / "pepper").write_bytes(value)
    keys = {account: new_key() for account in _ACCOUNTS}
    token = new_admin_token()
    _dump(
        folder / "accounts.yaml",
        {"accounts": _accounts(), "keys": dict(write_key_entry(a, k, pepper) for a, k in keys.items())},
    )
    # A real server's model has any name; the free tier's policy wants one that ends in -small.
    names = list(models)
    entries = {name: {"upstreams": ["demo"], **facts} for name, facts in models.items()}
    model = next((name for name in names if name.endswith("-small")), names[0])
    if not model.endswith("-small"):
        entries[model]["aliases"] = ["demo-small"]
    _dump(folder / "models.yaml", {"models": entries})
    kind = "openai" if models is _MODELS else "llamacpp"
    dialects = ["chat", "completions", "embeddings", "responses", "messages", "count_tokens"]
    _dump(
        folder / "gateway.yaml",
        {
            "data": {"port": ports[0]},
            "ops": {"port": ports[1]},
            "admin": {"port": ports[2]},
            "store": "memory:",
            "files": {"policies": str(policies.absolute())},
            "key_pepper_files": [{"file": "pepper"}],
            "admins": [{"name": "demo", "role": "forensic", "token_sha256": token_hash(token)}],
            "upstreams": {"demo": {"kind": kind, "base_url": base_url, "dialects": dialects, "stream_usage": True}},
            "decision_log": "off",
            "timers": {"drain_s": 2},
        },
    )
    forbidden = next((name for name in names if name != model), model)
    return Setup(folder / "gateway.yaml", keys, token, model, forbidden)


def _accounts() -> dict[str, Any]:
    return {name: {"tier": tier, "country": "DE"} for name, tier in _ACCOUNTS.items()}


def write_key_entry(account: str, key: str, pepper: Pepper) -> tuple[str, dict[str, str]]:
    parsed = parse(key)
    assert parsed is not None
    return parsed.id, {"account": account, "hash": digest(parsed.secret, pepper.value).hex(), "pepper": pepper.id}


def _dump(path: Path, document: dict[str, Any]) -> None:
    path.write_text(yamlio.dump(document), encoding="utf-8")


def _welcome(setup: Setup, gateway: Gateway) -> str:
    def curl(account: str, model: str, more: str = "", options: str = "-s") -> str:
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Say hello"}]})[:-1] + more + "}"
        return (
            f"curl {options} http://127.0.0.1:{gateway.data_port}/v1/chat/completions \\\n"
            f"  -H 'Authorization: Bearer {setup.keys[account]}' -H 'Content-Type: application/json' \\\n"
            f"  -d '{body}'"
        )

    api, ops, admin = (f"http://127.0.0.1:{port}" for port in (gateway.data_port, gateway.ops_port, gateway.admin_port))
    one_line = "-sw '\\n'"
    # A server with a single model leaves nothing to forbid but a parameter.
    alone = setup.forbidden == setup.model
    what = "may not ask for two answers" if alone else f"may not use {setup.forbidden}"
    keys = f"ADA={setup.keys['ada']} ACME={setup.keys['acme']} ADMIN={setup.admin_token}"
    return f"""
Excise is running: API {api}/v1, metrics {ops}/metrics, admin {admin}/admin/v1
Keys and usage live in memory until you stop it. Paste these into a second terminal:

1. an answer (account acme, developer tier)
{curl("acme", setup.model, options=one_line)}

2. the same as a stream
{curl("acme", setup.model, ', "stream": true', "-sN")}

3. a refusal with its headers and its reason: account ada, free tier, {what}
{curl("ada", setup.forbidden, ', "n": 2' if alone else "", f"{one_line} -i")}

What the gateway decided and why, newest first:
curl {one_line} -H 'Authorization: Bearer {setup.admin_token}' {admin}/admin/v1/decisions

The keys as variables, for the examples of README.md:
export {keys}

Ctrl-C stops it.
"""
