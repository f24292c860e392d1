"""Streams of the Messages API: named events, input usage first, cumulative output usage last."""

from typing import Any, Final

from gateway.core.jsonio import dumps
from gateway.core.sse import data_of
from gateway.dialects.meter import Meter
from gateway.dialects.scan import markers, plain_between, texts
from gateway.dialects.usage_fields import AnthropicCounts, inner, parse_object

KEYS: Final = frozenset({"text", "thinking", "partial_json"})
_STYLES: Final = markers("text", "thinking", "partial_json")
_DELTA: Final = b"event: content_block_delta\ndata: {"
_PLAIN: Final = (b'"text":"', b'"thinking":"')
"""How texts begin that are mostly without escapes; JSON in pieces is full of them."""
_END: Final = b'"}}\n\n'


class MessagesMeter(Meter):
    """Deltas are counted by their bytes; the few other events are parsed."""

    __slots__ = ("_block", "_counts", "_head", "_stopped")

    def __init__(self) -> None:
        super().__init__(_STYLES)
        self._counts = AnthropicCounts()
        self._block: int | None = None
        self._stopped = False
        self._head = b""
        """What stands before the text of the last event, where that was a delta of one plain text and nothing else."""

    def feed(self, chunk: bytes) -> bytes:
        if self._head and not self._framer.held:
            size = plain_between(chunk, self._head, _END)
            if size:
                self.delta_events += 1
                self.text_bytes += size
                return chunk
        return super().feed(chunk)

    def end_for_budget(self) -> bytes:
        if self.finished or self.failed:
            return b""
        out = []
        if self._block is not None:
            out.append(_event("content_block_stop", {"index": self._block}))
        if not self._stopped:
            output = max(self.delta_events, self.usage.output_tokens if self.usage else 0)
            delta = {"stop_reason": "max_tokens", "stop_sequence": None}
            out.append(_event("message_delta", {"delta": delta, "usage": {"output_tokens": output}}))
        out.append(_event("message_stop", {}))
        return b"".join(out)

    def _see(self, event: bytes) -> bytes:
        if event.find(b"content_block_delta") >= 0:
            size = self.text_bytes
            if not (self._count(event) or self._counted_otherwise(event)):
                self._note(parse_object(data_of(event)))
            self._head = _head_of(event, self.text_bytes - size)
        elif not event.startswith(b"event: ping"):
            data = data_of(event)
            if data:
                self._note(parse_object(data), failed=event.startswith(b"event: error"))
        return event

    def _note(self, document: dict[str, Any] | None, *, failed: bool = False) -> None:
        self.failed = self.failed or failed
        if document is None:
            return
        kind = document.get("type")
        if kind == "message_start":
            self._merge(inner(document, "message", "usage"))
        elif kind == "content_block_start":
            index = document.get("index")
            self._block = index if type(index) is int else None
            self._add(document.get("content_block"))
        elif kind == "content_block_delta":
            self._add(document.get("delta"))
        elif kind == "content_block_stop":
            self._block = None
        elif kind == "message_delta":
            self._stopped = self._stopped or inner(document, "delta", "stop_reason") is not None
            self._counts.final = self._stopped
            self._merge(document.get("usage"))
        elif kind == "message_stop":
            self.finished = True
        elif kind == "error":
            self.failed = True

    def _merge(self, usage: Any) -> None:
        self._counts.merge(usage)
        self.usage = self._counts.usage()

    def _add(self, value: Any) -> None:
        pieces, size = texts(value, KEYS)
        self.delta_events += pieces
        self.text_bytes += size


def _head_of(event: bytes, size: int) -> bytes:
    """What stands before the last text of an event, if that is plain and all that was counted in it: `size` bytes. With
    another text there, what is before and behind it means the same.
    """
    head = event[: len(event) - len(_END) - size]
    alone = head.startswith(_DELTA) and head.endswith(_PLAIN) and size and plain_between(event, head, _END) == size
    return head if alone else b""


def _event(kind: str, body: dict[str, Any]) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + dumps({"type": kind, **body}) + b"\n\n"
