"""What went to the caller of a stream: kept for whoever asked for it, and summed up in a signed receipt."""

import hashlib
from typing import Final

from gateway.core.sse import EventFramer
from gateway.dialects.base import Dialect
from gateway.exchange import Exchange
from gateway.pipeline import Pipeline
from gateway.receipts.claims import shown
from gateway.receipts.receipts import Receipts
from gateway.server.receipts import issue, receipts_for

MOST_KEPT: Final = 1 << 20
"""Bytes of one answer."""


def sent_of(pipeline: Pipeline, x: Exchange) -> "Sent | None":
    """None where nobody wants to know, which costs nothing."""
    receipts = receipts_for(pipeline, x)
    return Sent(x, receipts) if x.captures or receipts is not None else None


class Sent:
    """Follows what is written of one stream, and puts the receipt's comment into it.

    The comment comes immediately before the event that ends the stream (`data: [DONE]`, `message_stop`,
    `response.completed`). Its digest is of all bytes before it. A stream that does not end so has none.
    """

    __slots__ = ("_digest", "_kept", "_receipts", "_written", "_x")

    def __init__(self, x: Exchange, receipts: Receipts | None) -> None:
        self._x = x
        self._receipts = receipts
        self._digest = hashlib.sha256()
        self._written = False
        self._kept = 0

    def through(self, data: bytes) -> bytes:
        """Whole events that are about to be written; what to write instead."""
        self.keep(data)
        if self._receipts is None:
            return data
        meter, dialect = self._x.meter, self._x.dialect
        if meter is None or dialect is None or not meter.finished:
            self._digest.update(data)
            self._written = True
            return data
        return self._with_receipt(data, ending_at(dialect, data), self._receipts)

    def ends_badly(self) -> None:
        """Whatever is still written, no receipt goes with it."""
        self._receipts = None

    def keep(self, data: bytes) -> None:
        """Remember what is written, up to a bound."""
        x = self._x
        if not x.captures:
            return
        room = MOST_KEPT - self._kept
        if len(data) > room:
            x.captured_cut = True
            data = data[:room]
        if x.holding is not None and not x.holding.take(len(data)):
            # All of it is left out: how much fitted would depend on how the bytes came, and on nothing else.
            x.captured_cut, x.captured, x.prompt_text, self._kept = True, [], "", MOST_KEPT
            x.holding.release()
        elif data:
            x.captured.append(data)
            self._kept += len(data)

    def _with_receipt(self, data: bytes, at: int, receipts: Receipts) -> bytes:
        self._receipts = None
        self._digest.update(data[: max(0, at)])
        # Of a stream that is nothing but its ending there is nothing to certify.
        if at < 0 or not (self._written or at):
            return data
        receipt = issue(receipts, self._x, shown(self._digest.digest()), "stream")
        if receipt is None:
            return data
        comment = f": receipt {receipt.claims.id} {receipt.jws}\n\n"
        return data[:at] + comment.encode() + data[at:]


def ending_at(dialect: Dialect, data: bytes) -> int:
    """Where in these whole events the one begins that ends the stream by the dialect's own rules; -1 if it is not here.

    A fresh meter is asked, event by event. The blank line after each makes it decide at once, also on the very last
    event of a stream that was not ended by one.
    """
    framer, probe = EventFramer(), dialect.meter(strip_usage=False)
    at = 0
    for event in (*framer.feed(data), framer.flush()):
        probe.feed(event)
        probe.feed(b"\n\n")
        if probe.finished:
            return at
        at += len(event)
    return -1
