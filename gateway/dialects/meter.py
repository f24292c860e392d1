"""What all stream meters share: whole events in, counts kept, what may be forwarded out."""

from abc import ABC, abstractmethod

from gateway.core.sse import EventFramer, EventTooLarge, data_of
from gateway.core.usage import Usage
from gateway.dialects.base import StreamBroken
from gateway.dialects.scan import Markers, string_size


class Meter(ABC):
    """Watches one stream event by event. A dialect says in `_see` what each one means."""

    __slots__ = (
        "_framer", "_last_style", "_styles", "delta_events", "error", "failed", "finished", "text_bytes", "usage",
    )  # fmt: skip

    usage: Usage | None

    def __init__(self, styles: tuple[Markers, Markers]) -> None:
        self._framer = EventFramer()
        self._styles = styles
        self._last_style = styles[0]
        self.usage = None
        self.delta_events = 0
        self.text_bytes = 0
        self.finished = False
        self.failed = False
        self.error = b""

    def feed(self, chunk: bytes) -> bytes:
        try:
            events = self._framer.feed(chunk)
        except EventTooLarge as error:
            raise StreamBroken(str(error)) from None
        kept = []
        for event in events:
            out = self._see(event)
            if self.failed:
                self.error = data_of(event)
                break
            kept.append(out)
        return b"".join(kept)  # of one event, which is nearly every chunk, this is the very same object

    def flush(self) -> bytes:
        rest = self._framer.flush()
        if not rest:
            return b""
        out = self._see(rest)
        if self.failed:
            self.error = data_of(rest)
            return b""
        return out

    @abstractmethod
    def _see(self, event: bytes) -> bytes:
        """Account for one event and return what to forward of it."""

    def _count(self, event: bytes) -> bool:
        """Count the text under the dialect's keys; whether any such key was there, an empty one included."""
        found = False
        for marker in self._last_style:
            at = event.find(marker)
            while at >= 0:
                found = True
                start = at + len(marker)
                size = string_size(event, start)
                if size > 0:
                    self.delta_events += 1
                    self.text_bytes += size
                at = event.find(marker, start)
        return found

    def _counted_otherwise(self, event: bytes) -> bool:
        """The same with the other spacing; the one that hits is tried first from then on."""
        usual = self._last_style
        self._last_style = self._styles[1] if usual is self._styles[0] else self._styles[0]
        if self._count(event):
            return True
        self._last_style = usual
        return False
