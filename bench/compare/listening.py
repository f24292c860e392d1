"""The client of a crowd: one read for what came, every chunk counted, delays of one stream in ten.

Chunks are counted by a byte that each of them has once and nothing else behind the head of an answer has: however a
proxy cuts the stream, one byte is never cut. The delay of every chunk of a sampled stream is taken, also where many
come in one read; a stamp that a read cuts in two is left out.
"""

import re
import select
import socket
import time
from dataclasses import dataclass, field
from typing import Final

from bench.mock_upstream import MARK

SAMPLED: Final = 10
"""Delays are those of one stream in so many."""
_STAMP: Final = re.compile(rb" t=(\d{20})")
_HEAD_END: Final = b"\r\n\r\n"
_END: Final = b"0\r\n\r\n"
_MOST_HEAD: Final = 16_384


@dataclass(slots=True)
class Heard:
    """By all streams together; delays in nanoseconds."""

    begun: int = 0
    ended: int = 0
    """Whole: with all of their chunks and the end of the answer."""
    broken: int = 0
    chunks: int = 0
    delay_ns: list[int] = field(default_factory=list)
    why: str = ""
    """What the first of the broken ones heard last."""


class Stream:
    """One request and its answer. Raises OSError when no socket can be had."""

    __slots__ = ("_asking", "_buffer", "_head", "_heard", "_left", "_recv_into", "_sampled", "_sock", "_tail", "fd")

    def __init__(self, port: int, data: bytes, chunks: int, heard: Heard, buffer: bytearray, *, sampled: bool) -> None:
        self._sock = socket.socket()
        self._sock.setblocking(False)
        self._sock.connect_ex(("127.0.0.1", port))  # under way; a failure shows when it can be written to
        self.fd = self._sock.fileno()
        self._recv_into = self._sock.recv_into
        self._asking = data
        self._left, self._heard, self._buffer, self._sampled = chunks, heard, buffer, sampled
        self._head: bytes | None = b""
        self._tail = b""

    def ask(self, epoll: select.epoll) -> None:
        """The connection can be written to, or has failed."""
        try:
            sent = self._sock.send(self._asking)
        except OSError as failed:
            self._broken(epoll, str(failed))
            return
        self._asking = self._asking[sent:]
        if not self._asking:
            epoll.modify(self.fd, select.EPOLLIN)

    def ready(self, epoll: select.epoll) -> None:
        """One event: ask, or hear what came."""
        if self._asking:
            self.ask(epoll)
            return
        buffer = self._buffer
        try:
            size = self._recv_into(buffer)
        except BlockingIOError:
            return
        except OSError as failed:
            self._broken(epoll, str(failed))
            return
        if not size:
            self._broken(epoll, "the connection was closed")
            return
        start = 0
        if self._head is not None:
            start = self._body(epoll, size)
            if start < 0:
                return
        came = buffer.count(MARK, start, size)
        heard = self._heard
        heard.chunks += came
        self._left -= came
        if self._sampled and came:
            now = time.monotonic_ns()
            heard.delay_ns += [now - int(stamp) for stamp in _STAMP.findall(buffer, start, size)]
        if self._left <= 0:
            self._tail = (self._tail + buffer[max(start, size - len(_END)) : size])[-len(_END) :]
            if self._tail == _END:
                heard.ended += 1
                self.close(epoll)

    def close(self, epoll: select.epoll) -> None:
        """Can be called again."""
        if self.fd >= 0:
            epoll.unregister(self.fd)
            self._sock.close()
            self.fd = -1

    def _body(self, epoll: select.epoll, size: int) -> int:
        """Where in the buffer the body begins; -1 while it has not, or when this is no stream."""
        assert self._head is not None
        known = len(self._head)
        self._head += self._buffer[:size]
        at = self._head.find(_HEAD_END)
        if (at < 0 and len(self._head) > _MOST_HEAD) or not b"HTTP/1.1 200".startswith(self._head[:12]):
            self._broken(epoll, self._head[:600].decode(errors="replace"))
            return -1
        if at < 0:
            return -1
        self._head = None
        self._heard.begun += 1
        return max(0, at + len(_HEAD_END) - known)

    def _broken(self, epoll: select.epoll, why: str) -> None:
        self._heard.broken += 1
        self._heard.why = self._heard.why or why
        self.close(epoll)
