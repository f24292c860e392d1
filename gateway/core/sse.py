"""Server-sent events as bytes: where one event ends and the next begins, whatever the chunks look like.

Nothing is decoded and nothing is lost: the events joined, plus what is still held, are the bytes fed in.
"""

from typing import Final

MAX_EVENT_BYTES: Final = 1 << 20

_LF: Final = 0x0A
_CR: Final = 0x0D
_BOM: Final = b"\xef\xbb\xbf"


class EventTooLarge(ValueError):  # noqa: N818 - named for what happened to the stream
    """One event grew over the cap: the sender is broken or hostile."""


class EventFramer:
    r"""Cuts a byte stream into events. An event keeps the blank line that ends it.

    Lines end with \n, \r\n or \r. A \r that is the last byte seen may be half of a \r\n, so it ends nothing
    until the next byte (or the end of the stream) tells: the cuts never depend on the chunks.
    """

    __slots__ = ("_blank", "_buffer", "_cap", "_scanned")

    def __init__(self, cap: int = MAX_EVENT_BYTES) -> None:
        self._cap = cap
        self._buffer = bytearray()  # grows and shrinks in place: one-byte chunks stay linear
        self._scanned = 0
        self._blank = True  # the line that ends next is empty so far

    @property
    def held(self) -> int:
        """Bytes of the event that is not complete yet."""
        return len(self._buffer)

    def feed(self, chunk: bytes) -> list[bytes]:
        """The events that this chunk completes. Raises EventTooLarge."""
        if not self._buffer and _CR not in chunk and chunk.endswith(b"\n\n") and chunk[0] != _LF:
            if chunk.find(b"\n\n") == len(chunk) - 2:
                # Nearly every chunk in practice: exactly one event, already the object to pass on.
                events = [chunk]
            elif chunk.find(b"\n\n\n") < 0:
                events = [event + b"\n\n" for event in chunk.split(b"\n\n")]
                events.pop()
            else:
                return self._slow(chunk)
            if len(chunk) > self._cap and len(max(events, key=len)) > self._cap:
                raise EventTooLarge(f"an event is longer than {self._cap} bytes")
            return events
        return self._slow(chunk)

    def flush(self) -> bytes:
        """The end of the stream: the event that was never ended, b"" when there is none."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._scanned = 0
        self._blank = True
        return rest

    def _slow(self, chunk: bytes) -> list[bytes]:
        self._buffer += chunk
        events = self._cut()
        if len(self._buffer) > self._cap:
            raise EventTooLarge(f"an event is longer than {self._cap} bytes")
        return events

    def _cut(self) -> list[bytes]:
        buffer = self._buffer
        events: list[bytes] = []
        start = 0
        position = self._scanned
        size = len(buffer)
        while position < size:
            end = _line_end(buffer, position)
            if end < 0:
                self._blank = False
                position = size
                break
            after = end + 1
            if buffer[end] == _CR:
                if after == size:
                    self._blank = self._blank and end == position
                    position = end
                    break
                if buffer[after] == _LF:
                    after += 1
            if self._blank and end == position:
                if after - start > self._cap:
                    raise EventTooLarge(f"an event is longer than {self._cap} bytes")
                events.append(bytes(buffer[start:after]))
                start = after
            position = after
            self._blank = True
        if start:
            del buffer[:start]
        self._scanned = position - start
        return events


def _line_end(buffer: bytearray, position: int) -> int:
    """Where the next line end is, -1 when there is none."""
    newline = buffer.find(b"\n", position)
    carriage = buffer.find(b"\r", position, newline if newline >= 0 else len(buffer))
    return carriage if carriage >= 0 else newline


def data_of(event: bytes) -> bytes:
    """The event's data: its `data` lines joined by newlines, b"" when it has none (comments, heartbeats)."""
    if event.startswith(b"data: ") and _CR not in event:
        end = event.find(b"\n")
        if end < 0:
            return event[6:]
        if end >= len(event) - 2:
            return event[6:end]
    lines: list[bytes] = []
    for line in event.removeprefix(_BOM).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
        if line.startswith(b"data:"):
            value = line[5:]
            lines.append(value[1:] if value.startswith(b" ") else value)
        elif line == b"data":
            lines.append(b"")
    return b"\n".join(lines)
