"""A real redis-server on a free loopback port, and a cluster of three; nothing is saved, all is gone at the end."""

import contextlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from random import SystemRandom
from typing import Final

from gateway.stores.redis.endpoint import Dial
from gateway.stores.redis.resp import Reader, Refused, command
from tests.support.needs import missing

PATIENCE_S: Final = 20
PATIENT: Final = Dial(timeout_s=10, connect_s=10)
"""For a Redis that is to answer, on a machine that may be busy: a request would not wait for longer than 0.1 s."""
SLOTS: Final = 16384
_PORTS: Final = cycle(SystemRandom().sample(range(10_000, 20_000), 10_000))
"""Each process takes them in an order of its own, and none twice."""


def need_redis() -> None:
    """Without the program there is nothing to test: a skip that shows in the count, in CI a failure."""
    if shutil.which("redis-server") is None:
        missing("needs redis-server (Debian package redis-server)")


class RedisServer:
    """A started server. `say` runs one command over a connection of its own."""

    def __init__(self, folder: str, port: int, options: Sequence[str], program: Sequence[str] = ()) -> None:
        self.program = program
        self.port = port
        self.folder = folder
        self.options = options
        self._process: subprocess.Popen | None = None
        self._socket: socket.socket | None = None
        self._reader = Reader()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        unsaved = ("--save", "", "--appendonly", "no", "--databases", "16", "--loglevel", "warning", *self.options)
        common = ("--bind", "127.0.0.1", "--port", str(self.port), "--dir", self.folder)
        command_line = [*self.program, *common] if self.program else ["redis-server", *common, *unsaved]
        self._process = subprocess.Popen(command_line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                if self.say("PING") == b"PONG":
                    return
            except (OSError, Refused):
                self.hang_up()
            threading.Event().wait(0.01)
        raise AssertionError(f"redis-server on port {self.port} did not start")

    def say(self, *words: str | bytes):
        """The reply to one command. Raises Refused for an error, OSError without a connection."""
        reply = self.ask(command(*words))
        if isinstance(reply, Refused):
            raise reply
        return reply

    def ask(self, payload: bytes):
        """The reply to one ready command; an error reply is a value. Raises OSError without a connection."""
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._reader = Reader()
        self._socket.sendall(payload)
        while True:
            data = self._socket.recv(1 << 16)
            if not data:
                self.hang_up()
                raise ConnectionResetError
            replies = self._reader.feed(data)
            if replies:
                return replies[0]

    def hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def kill(self) -> None:
        """As a power cut would."""
        self.hang_up()
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE_S)
            self._process = None

    def signal(self, number: int) -> None:
        self._process.send_signal(number)


def free_port() -> int:
    """A port that is free just now, and its cluster bus port (+10000) too.

    Neither is one that Linux gives to whoever asks for any (from 32768 on): others might get it before it is used.
    """
    for port in islice(_PORTS, 100):
        with socket.socket() as one, socket.socket() as two:
            with contextlib.suppress(OSError):
                one.bind(("127.0.0.1", port))
                two.bind(("127.0.0.1", port + 10000))
                return port
    raise AssertionError("no free pair of ports")


@contextlib.contextmanager
def redis_server(*options: str, program: Sequence[str] = ()) -> Iterator[RedisServer]:
    """One server, with further options of redis-server's own; or another `program` of it, say a Sentinel."""
    need_redis()
    with tempfile.TemporaryDirectory(prefix="gateway-redis-") as folder:
        server = RedisServer(folder, free_port(), options, program)
        try:
            server.start()
            yield server
        finally:
            server.kill()


@contextlib.contextmanager
def redis_cluster(nodes: int = 3) -> Iterator[list[RedisServer]]:
    """Masters only, all slots covered, joined and agreed."""
    with contextlib.ExitStack() as stack:
        servers = [
            stack.enter_context(redis_server("--cluster-enabled", "yes", "--cluster-node-timeout", "2000"))
            for _ in range(nodes)
        ]
        size = -(-SLOTS // nodes)
        for i, server in enumerate(servers):
            server.say("CLUSTER", "ADDSLOTSRANGE", str(i * size), str(min(SLOTS, (i + 1) * size) - 1))
            server.say("CLUSTER", "SET-CONFIG-EPOCH", str(i + 1))
            if i:
                servers[0].say("CLUSTER", "MEET", "127.0.0.1", str(server.port))
        deadline = time.monotonic() + PATIENCE_S
        while not all(b"cluster_state:ok" in server.say("CLUSTER", "INFO")
                      and len(server.say("CLUSTER", "SLOTS")) == nodes for server in servers):  # fmt: skip
            assert time.monotonic() < deadline, "the cluster did not form"
            threading.Event().wait(0.05)
        yield servers
