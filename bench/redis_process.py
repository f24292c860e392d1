"""A Redis of the bench's own, which saves nothing."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bench.plan import BenchFailed
from gateway.stores.redis.resp import Reader, command
from gateway.stores.redis.script import text

PATIENCE_S: Final = 10


@contextmanager
def redis_process(folder: str) -> Iterator[int]:
    """Its port, while it runs. Raises BenchFailed."""
    if shutil.which("redis-server") is None:
        raise BenchFailed("needs redis-server (Debian package redis-server)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    process = subprocess.Popen(
        ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", folder],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(port)
        yield port
    finally:
        process.kill()
        process.wait(PATIENCE_S)


def _wait(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as link:
                link.sendall(command("SCRIPT", "LOAD", text()))
                if Reader().feed(link.recv(4096)):
                    return
        except OSError:
            time.sleep(0.05)
    raise BenchFailed("redis-server does not start")
