"""A client of whole answers that is exact in time: open loop, a fixed number, or one.

It waits in select(2), whose time-out is in microseconds; event loops round timers to milliseconds, which is more than
what a proxy adds.
"""

import json
import random
import re
import select
import socket
import time
from dataclasses import dataclass, field

from bench.plan import BenchFailed
from bench.requests import BODY

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_LATE_S = 20.0
"""What is not answered so long after the last request was due never will be."""
_MOST_CONNECTIONS = 512
_REFUSED = 429


def request(key: str, model: str = "bench") -> bytes:
    """The request of all tables of whole answers, as bytes."""
    body = json.dumps({**BODY, "model": model}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def status(data: bytes) -> int:
    """Of an answer that is complete; 0 while it is not. Raises BenchFailed if it is not one, or has no length."""
    head, mark, body = data.partition(_HEAD_END)
    if not mark:
        return 0
    length = _LENGTH.search(head)
    if not head.startswith(b"HTTP/1.1 ") or length is None:
        raise BenchFailed(f"not an answer that can be measured: {data[:400].decode(errors='replace')}")
    return int(head[9:12]) if len(body) >= int(length[1]) else 0


@dataclass(slots=True)
class Line:
    """A connection with one request under way, or none."""

    port: int
    sock: socket.socket = field(init=False)
    due_ns: int = 0
    came: bytes = b""

    def __post_init__(self) -> None:
        self.sock = socket.create_connection(("127.0.0.1", self.port), timeout=_LATE_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, data: bytes, due_ns: int) -> None:
        self.due_ns, self.came = due_ns, b""
        self.sock.sendall(data)

    def read(self) -> int:
        """The status, once the answer is complete; 0 before. Raises BenchFailed unless it is 200 or 429."""
        more = self.sock.recv(65536)
        if not more:
            raise BenchFailed("a connection was closed before its answer")
        self.came += more
        code = status(self.came)
        if code not in (0, 200, 429):
            raise BenchFailed(f"not the answer that was to be measured: {self.came[:400].decode(errors='replace')}")
        return code


def instants(per_s: float, seconds: float, seed: int) -> list[int]:
    """Nanoseconds from the start at which requests are due: arrivals that know nothing of each other (Poisson)."""
    pick = random.Random(seed)
    found: list[int] = []
    at = pick.expovariate(per_s)
    while at < seconds:
        found.append(round(at * 1e9))
        at += pick.expovariate(per_s)
    return found


def open_loop(port: int, data: bytes, due_ns: list[int]) -> list[int]:
    """Nanoseconds from the instant at which each request was due to its whole answer, whatever became of the others."""
    idle = [Line(port) for _ in range(8)]
    busy: dict[socket.socket, Line] = {}
    delays: list[int] = []
    lines = list(idle)
    start = time.monotonic_ns()
    give_up = start + due_ns[-1] + round(_LATE_S * 1e9)
    asked = 0
    try:
        while len(delays) < len(due_ns):
            now = time.monotonic_ns()
            while asked < len(due_ns) and start + due_ns[asked] <= now:
                if not idle:
                    if len(lines) >= _MOST_CONNECTIONS:
                        raise BenchFailed(f"{_MOST_CONNECTIONS} requests unanswered at once")
                    idle.append(Line(port))
                    lines.append(idle[-1])
                line = idle.pop()
                line.ask(data, start + due_ns[asked])
                busy[line.sock] = line
                asked += 1
            if now > give_up:
                raise BenchFailed(f"{len(busy)} requests were never answered")
            wake = start + due_ns[asked] if asked < len(due_ns) else give_up
            ready, _, _ = select.select(list(busy), [], [], max(0, wake - time.monotonic_ns()) / 1e9)
            now = time.monotonic_ns()
            for sock in ready:
                code = busy[sock].read()
                if code == _REFUSED:
                    raise BenchFailed("a request was refused")
                if code:
                    idle.append(busy.pop(sock))
                    delays.append(now - idle[-1].due_ns)
    finally:
        for line in lines:
            line.sock.close()
    return delays


@dataclass(frozen=True, slots=True)
class Counted:
    """A closed loop of which every answer came."""

    seconds: float
    admitted: int
    refused: int


def closed_loop(port: int, data: bytes, count: int, connections: int) -> Counted:
    """So many requests, never more than `connections` at once, all of them answered with 200 or 429."""
    lines = [Line(port) for _ in range(min(connections, count))]
    start = time.monotonic()
    give_up = start + _LATE_S + count
    left = count - len(lines)
    refused = 0
    try:
        for line in lines:
            line.ask(data, 0)
        busy = {line.sock: line for line in lines}
        while busy:
            if time.monotonic() > give_up:
                raise BenchFailed(f"{len(busy)} requests were never answered")
            for sock in select.select(list(busy), [], [], 1.0)[0]:
                code = busy[sock].read()
                refused += code == _REFUSED
                if code and left:
                    left -= 1
                    busy[sock].ask(data, 0)
                elif code:
                    del busy[sock]
        return Counted(time.monotonic() - start, count - refused, refused)
    finally:
        for line in lines:
            line.sock.close()


def first_answer(port: int, data: bytes, within_s: float) -> None:
    """Wait until a request is answered with 200, asking again while nobody listens or it is not ready."""
    give_up = time.monotonic() + within_s
    while True:
        try:
            if closed_loop(port, data, 1, 1).admitted:
                return
        except (OSError, BenchFailed):
            if time.monotonic() > give_up:
                raise
        if time.monotonic() > give_up:
            raise BenchFailed(f"no answer of status 200 within {within_s:g} s")
        time.sleep(0.01)
