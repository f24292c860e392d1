"""The upstream of a crowd: as many event streams as fit, each chunk at its instant, one `send` for each.

An event loop's transports and timers cost several times what the two system calls of a chunk cost, and then thousands
of streams are late before any proxy has seen them. Here is nothing else: non-blocking sockets, epoll(7), and one queue
per pace, which is in the order of its instants by itself. It does not run: whoever uses it calls `listen` and `drip`.
"""

import contextlib
import select
import socket
import time
from collections import deque
from types import TracebackType
from typing import Final, Self

from bench.mock_upstream import CHUNKS, HEAD, LENGTH, PACE, delta, ending
from bench.plan import BenchFailed

_BACKLOG: Final = 4096
_MOST_REQUEST: Final = 65_536
_EVENTS: Final = 64
_NOTED: Final = 10
"""One chunk in so many says how late it was written."""


class Answer:
    """A stream: when its next chunk is due, and how many are left. `rest` did not fit into the socket."""

    __slots__ = ("_chunks", "_delta", "_left", "_rest", "_send", "_usage", "due_ns", "pace_ns")

    def __init__(self, sock: socket.socket, body: bytes) -> None:
        chunks, pace = CHUNKS.search(body), PACE.search(body)
        self._send = sock.send
        self._usage = b"include_usage" in body
        self._delta = delta(usage=self._usage)
        self._chunks = self._left = int(chunks[1]) if chunks else 1
        self._rest = HEAD
        self.pace_ns = max(1, int(pace[1]) if pace else 1) * 1_000_000
        self.due_ns = time.monotonic_ns()

    def drip(self, now_ns: int, late_ns: list[int]) -> bool:
        """Write the chunk that is due; whether there is more to be written."""
        data = self._rest
        if self._left:
            data += self._delta % now_ns
            self._left -= 1
            if not self._left:
                data += ending(self._chunks, usage=self._usage)
            if not self._left % _NOTED:
                late_ns.append(now_ns - self.due_ns)
        try:
            sent = self._send(data)
        except BlockingIOError:
            sent = 0
        except OSError:  # the other side is gone
            return False
        self._rest = data[sent:]
        self.due_ns += self.pace_ns
        return self._left > 0 or bool(self._rest)


class Upstream:
    """Listens on `port` from the beginning. `late_ns` is how late chunks were written, of one in ten."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._epoll = select.epoll()
        self._epoll.register(self._listener.fileno(), select.EPOLLIN)
        self._asked: dict[int, tuple[socket.socket, bytes]] = {}
        """By descriptor: a connection, and what came of its request."""
        self._due: dict[int, deque[Answer]] = {}
        """By pace."""
        self.late_ns: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _exc: BaseException | None, _at: TracebackType | None
    ) -> None:
        for sock, _ in self._asked.values():
            sock.close()
        self._epoll.close()
        self._listener.close()

    def fileno(self) -> int:
        """Readable when `listen` has something to do."""
        return self._epoll.fileno()

    def listen(self) -> None:
        """Take connections and requests, a bounded number of them."""
        for fd, _ in self._epoll.poll(0, _EVENTS):
            if fd == self._listener.fileno():
                self._accept()
            else:
                self._read(fd)

    def drip(self, most: int) -> int:
        """Write what is due, at most so many chunks; how many."""
        clock, late_ns, written = time.monotonic_ns, self.late_ns, 0
        for due in self._due.values():
            while due and written < most:
                answer = due[0]
                now = clock()
                if answer.due_ns > now:
                    break
                written += 1
                due.popleft()
                if answer.drip(now, late_ns):
                    due.append(answer)
        return written

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(_EVENTS):
                try:
                    sock, _ = self._listener.accept()
                except ConnectionError:  # left while it waited
                    continue
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._asked[sock.fileno()] = (sock, b"")
                self._epoll.register(sock.fileno(), select.EPOLLIN)

    def _read(self, fd: int) -> None:
        sock, data = self._asked[fd]
        try:
            more = sock.recv(_MOST_REQUEST)
        except BlockingIOError:
            return
        except OSError:
            more = b""
        if not more:
            del self._asked[fd]  # a stream that is still due notices when it writes
            sock.close()
            return
        data += more
        head, mark, body = data.partition(b"\r\n\r\n")
        if len(data) > _MOST_REQUEST:
            raise BenchFailed(f"a request of more than {_MOST_REQUEST:,} bytes came to the upstream of the crowd")
        length = LENGTH.search(head)
        whole = bool(mark) and len(body) >= (int(length[1]) if length else 0)
        self._asked[fd] = (sock, b"" if whole else data)
        if whole:
            answer = Answer(sock, body)
            if answer.drip(answer.due_ns, self.late_ns):
                due = self._due.setdefault(answer.pace_ns, deque())
                if (
                    due
                ):  # who joins a queue that is behind is as late as it: later, and others would wait for its instant
                    answer.due_ns = min(answer.due_ns, due[0].due_ns + answer.pace_ns)
                due.append(answer)
