"""The Redis protocol (RESP2), as much of it as the store speaks: commands out, replies in. No I/O.

https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

from typing import Final

MAX_REPLY: Final = 64 << 20
"""Bytes of one bulk string. Ours are small; more means that the peer is not what we think it is."""
_INCOMPLETE: Final = object()


class Refused(Exception):  # noqa: N818 - named for what happened
    """Redis answered with an error. `code` is its first word, e.g. NOSCRIPT."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.code, _, self.rest = text.partition(" ")


class ProtocolBroken(Exception):  # noqa: N818 - named for what happened
    """What came is not RESP: the connection is of no use any more."""


Reply = bytes | int | None | Refused | list["Reply"]


def bulk(value: bytes) -> bytes:
    """One argument."""
    return b"$%d\r\n%b\r\n" % (len(value), value)


def number(value: int) -> bytes:
    """One integer argument."""
    text = b"%d" % value
    return b"$%d\r\n%b\r\n" % (len(text), text)


def numbers(one: int, two: int) -> bytes:
    """Two integer arguments."""
    first, second = b"%d" % one, b"%d" % two
    return b"$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(first), first, len(second), second)


def command(*words: str | bytes) -> bytes:
    """A whole command. For what is not on a request's path; that one is put together from ready pieces."""
    encoded = [word if isinstance(word, bytes) else word.encode() for word in words]
    return b"*%d\r\n%b" % (len(encoded), b"".join(map(bulk, encoded)))


class Reader:
    """Replies out of a stream of bytes. One that is not whole yet waits for more."""

    __slots__ = ("_at", "_buffer")

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that are whole by now, in order. Raises ProtocolBroken."""
        self._buffer = self._buffer[self._at :] + data if self._at < len(self._buffer) else data
        self._at = 0
        replies: list[Reply] = []
        while self._at < len(self._buffer):
            begin = self._at
            reply = self._next()
            if reply is _INCOMPLETE:
                self._at = begin
                break
            replies.append(reply)  # type: ignore[arg-type]  # everything but the mark is a Reply
        return replies

    def _next(self) -> object:
        buffer, begin = self._buffer, self._at
        end = buffer.find(b"\r\n", begin)
        if end < 0:
            return _INCOMPLETE
        kind, text = buffer[begin], buffer[begin + 1 : end]
        self._at = end + 2
        if kind == 36:  # $
            return self._bulk(_integer(text))
        if kind == 43:  # +
            return text
        if kind == 45:  # -
            return Refused(text.decode("utf-8", "replace"))
        if kind == 58:  # :
            return _integer(text)
        if kind == 42:  # *
            return self._array(_integer(text))
        raise ProtocolBroken("the answer is not of the Redis protocol")

    def _bulk(self, length: int) -> object:
        if length < 0:
            return None
        if length > MAX_REPLY:
            raise ProtocolBroken(f"an answer of {length} bytes")
        begin = self._at
        if len(self._buffer) < begin + length + 2:
            return _INCOMPLETE
        self._at = begin + length + 2
        return self._buffer[begin : begin + length]

    def _array(self, length: int) -> object:
        if length < 0:
            return None
        items: list[object] = []
        for _ in range(length):
            item = self._next() if self._at < len(self._buffer) else _INCOMPLETE
            if item is _INCOMPLETE:
                return _INCOMPLETE
            items.append(item)
        return items


def _integer(text: bytes) -> int:
    try:
        return int(text)
    except ValueError:
        raise ProtocolBroken("the answer is not of the Redis protocol") from None
