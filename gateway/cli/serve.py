"""`gateway serve`: the gateway itself, from a settings file until SIGTERM."""

import argparse
import asyncio
import gc
import sys
from pathlib import Path
from typing import Any

from gateway.cli.config_cmd import config_path
from gateway.config import Config, SecretMissing, load_config
from gateway.observe import log
from gateway.runtime import Runtime
from gateway.server.lifecycle import Gateway
from gateway.server.routes import ROUTE_NAMES
from gateway.stores.base import StoreUnavailable
from gateway.yamlio import YamlProblems

_NO_FILE = "no settings: give --config FILE or set GATEWAY_CONFIG; examples/gateway.yaml is a commented start"


def add_parser(subparsers: Any) -> None:
    """Register the verb."""
    parser = subparsers.add_parser(
        "serve",
        help="run the gateway",
        description="Run the gateway until SIGTERM. SIGHUP reloads accounts, models and policies.",
        epilog="example: gateway serve --config gateway.yaml --set data.port=8080",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="gateway.yaml; else GATEWAY_CONFIG")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="override one setting, such as data.port=9000"
    )


def run(args: argparse.Namespace) -> int:
    """Exit 0 after a drain, 1 when it cannot start, 2 for wrong usage."""
    path = config_path(args)
    if path is None or not path.is_file():
        print(f"gateway serve: {_NO_FILE if path is None else f'{path}: no such file'}", file=sys.stderr)
        return 2
    for text in args.set:
        if "=" not in text:
            print(f"gateway serve: --set {text}: expected NAME=VALUE, such as data.port=9000", file=sys.stderr)
            return 2
    flags = dict(text.partition("=")[::2] for text in args.set)
    try:
        config = load_config(path, flags=flags)
    except YamlProblems as error:
        return cannot_start(error)
    log.install(sys.stderr)
    return run_loop(config)


def run_loop(config: Config) -> int:
    """Build, start, serve, drain."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(_serve(config))


def new_loop() -> asyncio.AbstractEventLoop:
    """Uvloop's where it is installed (it is optional), else asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415 - the one optional dependency
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


async def _serve(config: Config) -> int:
    for warning in config.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    try:
        runtime = Runtime(config.settings, ROUTE_NAMES)
        gateway = Gateway(runtime)
        gateway.heed_signals()
        await gateway.start()
    except (YamlProblems, SecretMissing, StoreUnavailable, OSError) as error:
        return cannot_start(error)
    data, ops, admin = config.settings.data, config.settings.ops, config.settings.admin
    print(
        f"gateway ready: data {data.host}:{gateway.data_port}, ops {ops.host}:{gateway.ops_port}, "
        f"admin {admin.host}:{gateway.admin_port}, policies {runtime.snapshot.policies.revision}",
        file=sys.stderr, flush=True,
    )  # fmt: skip
    gc.collect()
    gc.freeze()  # what start-up built lives as long as the process: later collections need not walk it
    # A request leaves little garbage in cycles; looking for it every 700 objects cost a seventh of the CPU.
    gc.set_threshold(10_000, 20, 20)
    await gateway.run_until_stopped()
    return 0


def cannot_start(error: Exception) -> int:
    """Say why, one problem a line."""
    problems = getattr(error, "problems", None) or (error,)
    for problem in problems:
        print(_os_words(problem) if isinstance(problem, OSError) else problem, file=sys.stderr)
    print("gateway: not started", file=sys.stderr)
    return 1


def _os_words(error: OSError) -> str:
    """A file or a port that the system refused: say which, and how to choose another."""
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    ports = "data, ops and admin have a host and a port in the settings (of the demo: --port, --ops-port, --admin-port)"
    return f"cannot listen: {error.strerror}; {ports}"
