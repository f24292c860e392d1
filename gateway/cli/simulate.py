"""`gateway simulate`: the simulated model alone, to try a configuration of one's own in front of it."""

import argparse
import asyncio
import sys
from typing import Any

from gateway.cli.simulator import FAULTS, MODELS, start_simulator


def add_parser(subparsers: Any) -> None:
    """Register the verb."""
    faults = "\n".join(f"  {'fault:' + name:<18} {meaning}" for name, meaning in FAULTS.items())
    parser = subparsers.add_parser(
        "simulate",
        help="run the simulated model alone",
        description=f"Serve the models {', '.join(MODELS)} in every dialect, without a model and without a network.",
        epilog=f"words in a prompt or a model name ask for trouble:\n{faults}\nexample: gateway simulate --port 8000",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="port (default 8000; 0 takes a free one)")
    parser.add_argument("--delay", type=float, default=0.02, metavar="SECONDS", help="pause after every event")


def run(args: argparse.Namespace) -> int:
    """Exit 130 after Ctrl-C, 1 when the port is taken."""
    try:
        asyncio.run(_serve(args))
    except OSError as error:
        print(f"gateway simulate: cannot listen on {args.host}:{args.port}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


async def _serve(args: argparse.Namespace) -> None:
    simulator = await start_simulator(args.host, args.port, delay_s=args.delay)
    print(f"simulated model on http://{args.host}:{simulator.port}/v1", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await simulator.close()
