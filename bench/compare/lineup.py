"""Who is compared: the upstreams, nginx, the gateway in both of its lanes, and the peers that are installed."""

import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from bench import nginx
from bench.compare import peers
from bench.compare.envoy import envoy
from bench.compare.ferrogw import MODEL, ferrogw
from bench.compare.litellm import litellm
from bench.gateway_proc import Setup, gateway
from bench.process import child, cores, free_ports, port_said
from bench.stage import Target, find_tools

DIRECT: Final = "direct (no proxy)"
NGINX: Final = "nginx, plain proxy"
HOT: Final = "gateway, hot lane"
REFERENCE: Final = "gateway, reference lane"
ENVOY: Final = "Envoy, local rate limit"
FERROGW: Final = "ferrogw, rate-limit plugin"
LITELLM: Final = "LiteLLM proxy, limits"
ORDER: Final = (NGINX, ENVOY, HOT, REFERENCE, FERROGW, LITELLM)

NO_PORT: Final = 0

_MOCK_READY: Final = re.compile(r"^mock ready: port (\d+)", re.MULTILINE)
_REFERENCE_SETTINGS: Final = ({"hot_lane": "off"}, {"transport": "aiohttp"})

_TIGHT: Final = """\
version: 1
id: {account}
title: A limit that the bench uses up
status: stable
mode: enforce
owner: bench
description: It is not filled again while the bench runs.
match:
  account: {account}
limits:
  once: {{unit: {unit}, per: account, amount: {amount}, window: 1d}}
"""
_DENIED: Final = """\
version: 1
id: denied
title: A model that is not for everyone
status: stable
mode: enforce
owner: bench
description: The account denied may use the other model only.
match:
  account: denied
access:
  models: [bench-stream]
"""
SPENT, REFUSED, TIGHT_REQUESTS, TIGHT_TOKENS = "spent", "denied", "tight-requests", "tight-tokens"


PEERS: Final = {ENVOY: peers.ENVOY, FERROGW: peers.FERROGW, LITELLM: peers.LITELLM}
"""Targets that need not be installed."""


@dataclass(slots=True)
class Lineup:
    """The upstreams run; targets can be started, together or one at a time, each as a fresh process."""

    folder: Path
    wrk: str
    nginx: str
    direct: Target
    installed: Path
    tight_requests: int
    tight_tokens: int
    keys: dict[str, dict[str, str]] = field(default_factory=dict)
    """Keys of the gateways that were started last, by name and by account."""
    records: dict[str, Path] = field(default_factory=dict)
    """And their decision records."""
    starts: int = 0

    def names(self) -> list[str]:
        """Of all targets that can be started, in the order of the tables."""
        return [name for name in ORDER if self._program(name) is not None]

    def _program(self, name: str) -> Path | None:
        return peers.program(self.installed, PEERS[name]) if name in PEERS else Path(self.nginx)

    @contextmanager
    def streaming_from(self, port: int) -> Iterator[None]:
        """Targets that start inside have another upstream of streams."""
        usual, self.direct = self.direct, replace(self.direct, streams_port=port)
        try:
            yield
        finally:
            self.direct = usual

    @contextmanager
    def started(self, name: str) -> Iterator[Target]:
        """Running on the proxy's core while the block does. It listens, but may not be ready to answer."""
        core, _ = cores()
        self.starts += 1
        folder = self.folder / f"{self.starts}"
        answers, streams = self.direct.answers_port, self.direct.streams_port
        if name in (HOT, REFERENCE):
            how = setup(name, self.tight_requests, self.tight_tokens)
            with gateway(folder, answers, streams, core, setup=how) as served:
                self.keys[name], self.records[name] = dict(served.keys), folder / "decisions.jsonl"
                yield Target(name, served.port, served.port, served.process.pid, served.key)
            return
        whole, chunked = free_ports(2)
        key = "fgw_" + secrets.token_hex(16)
        program = self._program(name)
        assert program is not None
        if name == NGINX:
            servers = nginx.proxy_servers({whole: answers, chunked: streams})
            with nginx.nginx(str(program), folder, servers, whole, core) as process:
                yield Target(name, whole, chunked, process.pid, key)
        elif name == ENVOY:
            with envoy(program, folder, {whole: answers, chunked: streams}, key, core) as process:
                yield Target(name, whole, chunked, process.pid, key)
        elif name == FERROGW:
            with ferrogw(program, folder, whole, answers, key, core) as process:
                yield Target(name, whole, NO_PORT, process.pid, key, MODEL)
        else:
            with litellm(program, folder, whole, answers, key, core) as process:
                yield Target(name, whole, NO_PORT, process.pid, key)


def setup(lane: str, tight_requests: int, tight_tokens: int) -> Setup:
    """The shipped policies alone; those added are about accounts whose refusals are measured."""
    data, upstream = _REFERENCE_SETTINGS if lane == REFERENCE else ({}, {})
    enterprise = dict.fromkeys(("acme", REFUSED, TIGHT_REQUESTS, TIGHT_TOKENS), "enterprise")
    return Setup(
        data=data,
        upstream=upstream,
        three_limits=False,
        tiers={**enterprise, SPENT: "none"},
        policies={
            REFUSED: _DENIED,
            TIGHT_REQUESTS: _TIGHT.format(account=TIGHT_REQUESTS, unit="requests", amount=tight_requests),
            TIGHT_TOKENS: _TIGHT.format(account=TIGHT_TOKENS, unit="total_tokens", amount=tight_tokens),
        },
    )


@contextmanager
def lineup(folder: Path, installed: Path, tight_requests: int, tight_tokens: int) -> Iterator[Lineup]:
    """The upstreams run on the other core while the block does; nobody else is started yet."""
    nginx_program, wrk = find_tools()
    _, other_core = cores()
    (answers,) = free_ports(1)
    with ExitStack() as running:
        mock = nginx.mock_server(answers)
        running.enter_context(nginx.nginx(nginx_program, folder / "mock", mock, answers, other_core))
        log = folder / "streams.log"
        paced = running.enter_context(child([sys.executable, "-m", "bench.mock_upstream"], other_core, log))
        streams = port_said(paced, log, _MOCK_READY)
        yield Lineup(
            folder, wrk, nginx_program, Target(DIRECT, answers, streams), installed, tight_requests, tight_tokens
        )
