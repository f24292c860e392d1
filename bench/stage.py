"""Everything that stands around a measurement: both upstreams, nginx and the gateway, each on its core."""

import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import nginx
from bench.gateway_proc import gateway
from bench.plan import BenchFailed
from bench.process import child, cores, free_ports, port_said

_MOCK_READY = re.compile(r"^mock ready: port (\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Target:
    """What load is sent to. Without a process it is the upstream itself; `key` and `model` are those it admits."""

    name: str
    answers_port: int
    streams_port: int
    pid: int | None = None
    key: str = "none"
    model: str = "bench"

    def process(self) -> int:
        assert self.pid is not None
        return self.pid


@dataclass(frozen=True, slots=True)
class Stage:
    """The targets and what a client needs."""

    folder: Path
    wrk: str
    direct: Target
    nginx: Target
    gateway: Target
    key: str
    spent_key: str


def find_tools() -> tuple[str, str]:
    """Paths of nginx and wrk. Raises BenchFailed."""
    path = "/usr/local/sbin:/usr/sbin:/sbin"  # where Debian puts servers, and not every PATH looks
    found = [shutil.which(name) or shutil.which(name, path=path) for name in ("nginx", "wrk")]
    if found[0] is None or found[1] is None:
        missing = " and ".join(name for name, where in zip(("nginx", "wrk"), found, strict=True) if where is None)
        raise BenchFailed(f"{missing} not found; on Debian: apt-get install nginx wrk")
    return found[0], found[1]


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Start it all; it is gone when the block ends."""
    nginx_program, wrk = find_tools()
    proxy_core, other_core = cores()
    answers, whole, chunked = free_ports(3)
    with ExitStack() as running:
        mock = nginx.mock_server(answers)
        running.enter_context(nginx.nginx(nginx_program, folder / "mock", mock, answers, other_core))
        log = folder / "streams.log"
        paced = running.enter_context(child([sys.executable, "-m", "bench.mock_upstream"], other_core, log))
        streams = port_said(paced, log, _MOCK_READY)
        servers = nginx.proxy_servers({whole: answers, chunked: streams})
        plain = running.enter_context(nginx.nginx(nginx_program, folder / "nginx", servers, whole, proxy_core))
        ours = running.enter_context(gateway(folder / "gateway", answers, streams, proxy_core))
        yield Stage(
            folder=folder,
            wrk=wrk,
            direct=Target("direct (no proxy)", answers, streams, key=ours.key),
            nginx=Target("nginx, plain proxy", whole, chunked, plain.pid, ours.key),
            gateway=Target("gateway", ours.port, ours.port, ours.process.pid, ours.key),
            key=ours.key,
            spent_key=ours.spent_key,
        )
