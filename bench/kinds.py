"""What requests cost that are not like the one that the other benches send: `python -m bench.kinds`, a minute or two.

That one is small, of one account, and the same each time. Here they are long conversations, texts in parts, tools,
pictures, prompts that are new each time, and accounts in turn. All kinds take turns on one gateway, so that a busy
machine hits all of them. Nothing is asserted.
"""

import argparse
import asyncio
import json
import random
import secrets
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import cycle, repeat
from pathlib import Path
from typing import Any, Final

from bench.bare import Callers, request_to
from bench.gateway_proc import Setup
from bench.loop import new_loop
from bench.plan import BenchFailed
from bench.process import cores, pinned
from bench.report import spread, table
from bench.requests import BODY, WORD
from bench.statistics import lower_quartile
from bench.under_load import CALLERS, PATH, Target, bare, gateway, window

_ACCOUNTS: Final = 1000
_WINDOWS: Final = 8
_SECONDS: Final = 0.6
_WORDS: Final = ("duty", "excise", "gauge", "history", "merchant", "of", "officer", "spirits", "still", "tax", "the")
_ROLES: Final = ("user", "assistant")


def _text(chance: random.Random, size: int) -> str:
    return " ".join(chance.choices(_WORDS, k=size))[:size]


def bodies() -> dict[str, dict[str, Any]]:
    """Of one request each, the same ones every time. The first is the usual one."""
    chance = random.Random(1)
    schema = {"type": "object", "properties": {f"p{n}": {"type": "string", "description": "x" * 60} for n in range(6)}}
    tools = [
        {"type": "function", "function": {"name": f"f{n}", "description": _text(chance, 200), "parameters": schema}}
        for n in range(64)
    ]
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{'iVBORw0KGgo' * 95_000}"}}

    def talk(*contents: Any) -> dict[str, Any]:
        return {**BODY, "messages": [{"role": _ROLES[n % 2], "content": one} for n, one in enumerate(contents)]}

    texts = [_text(chance, 120) for _ in range(301)]
    return {
        "the usual one": dict(BODY),
        "one message of 36 KB": talk(_text(chance, 36_000)),
        "301 messages, 36 KB": talk(*texts),
        "the same, with accents": talk(*(f"“{text}”, é" for text in texts)),
        "the same, each in a part": talk(*([{"type": "text", "text": text}] for text in texts)),
        "the same, one with a small picture": talk(
            *texts[1:], [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]
        ),
        "64 tools, 60 KB": {**BODY, "tools": tools},
        "a picture of 1 MB": talk([{"type": "text", "text": "what is this?"}, picture]),
    }


def kinds(target: Target) -> dict[str, Iterator[bytes]]:
    """Endless requests of each kind. The first is the usual one."""
    usual = json.dumps(BODY)
    keys = list(target.keys.values())

    def asked(key: str, body: str) -> bytes:
        return request_to(target.port, PATH, key, body.encode())

    def new(in_turn: Sequence[str]) -> Iterator[bytes]:
        for key in cycle(in_turn):
            yield asked(key, usual.replace(WORD, secrets.token_hex(len(WORD) // 2)))

    return {
        **{name: repeat(asked(target.key, json.dumps(body))) for name, body in bodies().items()},
        f"{_ACCOUNTS:,} accounts in turn": cycle([asked(key, usual) for key in keys]),
        "accounts in turn, every prompt new": new(keys),
        "one account, every prompt new": new([target.key]),
    }


async def costs(target: Target, windows: int, seconds: float) -> dict[str, list[float]]:
    """CPU µs of a request of each kind, by window."""
    ours = kinds(target)
    found: dict[str, list[float]] = {name: [] for name in ours}
    for number in range(windows + 1):
        for name, requests in ours.items():
            cost, _ = await window(target, seconds, Callers(target.port, requests, CALLERS))
            if number:  # the first one warms up
                found[name].append(cost)
    return found


def shown(found: Mapping[str, Sequence[float]]) -> str:
    """What each kind costs, and how much of that is more than the usual one, which is the first."""
    base = lower_quartile(next(iter(found.values())))
    rows = [[name, spread(values), f"{lower_quartile(values) - base:+,.0f}"] for name, values in found.items()]
    return table(
        "Requests of other kinds", ("request", "CPU µs best / quartile / median", "more than the usual one"), rows
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Exit 0 with figures, 1 when they cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m bench.kinds", description=__doc__)
    parser.add_argument("--tree", type=Path, default=Path("build/compiled"), help="a checkout (%(default)s)")
    parser.add_argument("--windows", type=int, default=_WINDOWS, metavar="N", help="of each kind (%(default)s)")
    args = parser.parse_args(argv)
    own, other = cores()
    accounts = {"acme": "enterprise", **{f"a{number}": "enterprise" for number in range(_ACCOUNTS)}}
    setup = Setup(three_limits=False, tiers=accounts)
    try:
        with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name, ExitStack() as running:
            folder = Path(name)
            answers = running.enter_context(bare(folder, other, "upstream")).port
            target = running.enter_context(
                gateway(folder / "gateway", answers, own, (), shipped_only=True, tree=args.tree, setup=setup)
            )
            running.enter_context(pinned(other))
            with asyncio.Runner(loop_factory=new_loop) as runner:
                print(shown(runner.run(costs(target, args.windows, _SECONDS))))
    except BenchFailed as failed:
        print(f"bench: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
