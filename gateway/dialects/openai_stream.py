"""Streams of chat and text completions: usage, errors, endings, and taking our own usage chunk out again."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.core.jsonio import dumps
from gateway.core.sse import data_of
from gateway.dialects.meter import Meter
from gateway.dialects.scan import Markers, plain_between, texts
from gateway.dialects.usage_fields import openai_usage, parse_object

_DONE: Final = b"data: [DONE]\n\n"
_NULLS: Final = (b',"usage":null', b', "usage": null', b'"usage":null,', b'"usage": null, ')
_CR: Final = 0x0D
_UNLIKE: Final = 16
"""After so many events in a row that were unlike the one before, a stream is no longer compared."""
_READ: Final = (b'"finish_reason":"', b'"finish_reason": "', b'"error"')
"""An event with one of these is parsed."""
_LONE: Final = b'"delta":{"content":"'
_FIRST: Final = frozenset((0,))
"""The choices of nearly every stream: one set for all of them."""
_HEAD: Final = ("id", "object", "created", "model", "system_fingerprint")


class ChunkMeter(Meter):
    """Meters a stream of chunks with `choices`. With `strip` it takes out the usage that the caller did not ask for.

    `last` is what a choice of the final chunk holds besides its index and finish reason.
    """

    __slots__ = (
        "_done", "_first", "_head", "_keys", "_last", "_null_is_ours", "_open", "_passed_tail", "_strip", "_tail",
        "_unlike", "_whole",
    )  # fmt: skip

    def __init__(
        self, styles: tuple[Markers, Markers], keys: frozenset[str], last: Mapping[str, Any], *, strip: bool
    ) -> None:
        super().__init__(styles)
        self._keys = keys
        self._last = last
        self._strip = strip
        self._first: bytes | None = None
        self._open: frozenset[int] | set[int] = frozenset()
        self._done: set[int] | None = None
        self._null_is_ours: bool | None = None
        self._head = b""
        self._tail: bytes | None = None
        """What stands before and behind the text of the last event, where that was one line with one plain text."""
        self._passed_tail = b""
        self._whole = True
        """No event has begun that is not complete."""
        self._unlike = 0

    def feed(self, chunk: bytes) -> bytes:
        if self._tail is not None and self._whole:
            out = self._alike(chunk, self._tail)
            if out is not None:
                return out
        try:
            return super().feed(chunk)
        finally:
            self._whole = not self._framer.held

    def end_for_budget(self) -> bytes:
        if self.finished or self.failed:
            return b""
        first = parse_object(data_of(self._first or self._textless() or b""))
        chunk: dict[str, Any] = {name: first[name] for name in _HEAD if name in first} if first else {}
        unfinished = sorted(self._open - self._done if self._done else self._open)
        if not self._open:
            unfinished = [0]
        if not unfinished:
            return _DONE
        chunk["choices"] = [{"index": index, **self._last, "finish_reason": "length"} for index in unfinished]
        return b"data: " + dumps(chunk) + b"\n\n" + _DONE

    def _see(self, event: bytes) -> bytes:
        if self._tail is not None:
            out = self._alike(event, self._tail)
            if out is not None:
                return out
        size = self.text_bytes
        self._first = self._first or self._textless()
        out = self._look_at(event)
        self._tail = None
        if self._unlike < _UNLIKE and self.text_bytes > size and not self.failed:
            self._remember(event, out)
        return out

    def _alike(self, event: bytes, tail: bytes) -> bytes | None:
        """Count an event that is the last one with another plain text, and say what to forward; None for any other."""
        size = plain_between(event, self._head, tail)
        if not size:
            return None
        self.delta_events += 1
        self.text_bytes += size
        self._unlike = 0
        return event if self._passed_tail is tail else event[: len(self._head) + size] + self._passed_tail

    def _remember(self, event: bytes, out: bytes) -> None:
        """Compare the next ones with this event, if it is one line with one plain text, and nothing else to read."""
        self._unlike += 1
        start = event.find(_LONE) + len(_LONE)
        end = event.find(b'"', start)
        one_line = event.startswith(b"data:") and event.find(b"\n") == len(event) - 2 and event.endswith(b"\n\n")
        lone = start >= len(_LONE) and event.find(b'"delta":', end) < 0 and event.startswith(b"}", end + 1)
        if not lone or not one_line or _CR in event or any(word in event for word in _READ) or not _no_usage(event):
            return
        if event.find(b"\\", start, end) >= 0 or not out.startswith(event[:end]):
            return
        self._head, self._tail = event[:start], event[end:]
        self._passed_tail = self._tail if out == event else out[end:]
        named = event[: event.find(b'"choices"')]
        if self._first is event or (self._first is not None and b'"id"' in named and self._first.startswith(named)):
            self._first = None  # head and tail tell all of it but the text

    def _textless(self) -> bytes | None:
        """The event that others are compared with, without its text."""
        return None if self._tail is None else self._head + self._tail

    def _look_at(self, event: bytes) -> bytes:
        if self._count_lone(event) or self._count(event) or self._counted_otherwise(event):
            if self._first is None:
                self._first = event
            self._note_index(event)
            if b'"finish_reason":"' in event or b'"finish_reason": "' in event or b'"error"' in event:
                self._note(parse_object(data_of(event)))
            return self._usage(event) if event.find(b'"usage"') >= 0 else event
        return self._unusual(event)

    def _count_lone(self, event: bytes) -> bool:
        """The commonest event: one delta with nothing but plain content. It spares the search for other keys."""
        at = event.find(_LONE)
        if at < 0:
            return False
        start = at + len(_LONE)
        end = event.find(b'"', start)
        if (
            event.find(b"\\", start, end) >= 0
            or not event.startswith(b"}", end + 1)
            or event.find(b'"delta":', end) >= 0
        ):
            return False
        if end > start:
            self.delta_events += 1
            self.text_bytes += end - start
        return True

    def _unusual(self, event: bytes) -> bytes:
        """No text under a known key: an ending, a usage chunk, an error, a heartbeat. Parsed, they are few."""
        data = data_of(event)
        if not data:
            return event
        if data.startswith(b"[DONE]"):
            self.finished = True
            return event
        document = parse_object(data)
        if document is None:
            self.failed = self.failed or event.startswith(b"event: error")
            return event
        pieces, size = texts(document.get("choices"), self._keys)
        self.delta_events += pieces
        self.text_bytes += size
        self._note(document)
        if event.startswith(b"event: error"):
            self.failed = True
        elif self._first is None and "choices" in document:
            self._first = event
        return self._usage(event) if event.find(b'"usage"') >= 0 else event

    def _note_index(self, event: bytes) -> None:
        """Which choice this is: the first index in the event is the choice's own, tool calls come inside it."""
        at = event.find(b'"index":') + 8
        if event.startswith(b"0,", at):
            self._opened(0)
            return
        digits = event[at : at + 5].lstrip().split(b",", 1)[0].rstrip(b" }")
        if digits.isdigit():
            self._opened(int(digits))

    def _opened(self, index: int) -> None:
        if index in self._open:
            return
        if type(self._open) is set:
            self._open.add(index)
        else:
            self._open = {*self._open, index} if self._open or index else _FIRST

    def _note(self, document: dict[str, Any] | None) -> None:
        if document is None:
            return
        if document.get("error"):
            self.failed = True
        for choice in _choices(document):
            index = choice.get("index")
            if type(index) is int:
                self._opened(index)
                if choice.get("finish_reason") is not None:
                    if self._done is None:
                        self._done = set()
                    self._done.add(index)

    def _usage(self, event: bytes) -> bytes:
        at = event.find(b'"usage"') + 7
        null = _null_only(event, at)
        if null and (not self._strip or self._null_is_ours is not None):
            return self._without_null(event) if self._null_is_ours else event
        document = parse_object(data_of(event))
        if document is None or "usage" not in document:
            self._null_is_ours = False if null else self._null_is_ours
            return event
        reported = document["usage"]
        if reported is None:
            self._null_is_ours = True
            return self._without_null(event)
        usage = openai_usage(reported)
        choices = _choices(document)
        if usage is not None:
            if any(choice.get("finish_reason") is None for choice in choices):
                usage.estimated = True  # a running count: more output follows
            self.usage = usage
        ours = self._strip and document.get("choices") == [] and type(reported) is dict
        return b"" if ours else event

    def _without_null(self, event: bytes) -> bytes:
        if self._strip:
            for pattern in _NULLS:
                at = event.rfind(pattern)
                if at >= 0:
                    return event[:at] + event[at + len(pattern) :]
        return event


def _null_only(event: bytes, at: int) -> bool:
    """Whether the usage whose name ends at `at` is null and the only one."""
    return event.startswith((b":null", b": null"), at) and event.find(b'"usage"', at) < 0


def _no_usage(event: bytes) -> bool:
    at = event.find(b'"usage"') + 7
    return at == 6 or _null_only(event, at)


def _choices(document: dict[str, Any]) -> list[dict[str, Any]]:
    choices = document.get("choices")
    return [choice for choice in choices if type(choice) is dict] if type(choices) is list else []
