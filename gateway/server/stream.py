"""The byte pump of a streamed answer: forward at once, meter beside, end in the dialect's own words."""

import asyncio
import logging
from functools import partial
from typing import Final

from gateway.accounting.outcome import Outcome
from gateway.core import reasons
from gateway.core.refusal import Refusal
from gateway.dialects.base import StreamBroken, StreamMeter
from gateway.exchange import Exchange
from gateway.pipeline import Pipeline
from gateway.server.direct import Direct
from gateway.server.inbound import Stream
from gateway.server.sent import Sent, sent_of
from gateway.upstreams.base import Answer, UpstreamFailed, pours
from gateway.upstreams.faults import from_event, from_failure

log = logging.getLogger("gateway")

_PIECE: Final = 4096
"""Bytes of a stream that are paid for at a time; at most some hundred tokens."""
_LAST_WORDS_S: Final = 2.0
"""How long a caller that is being cut off may take to accept the closing event."""


class Relay:
    """One stream from an upstream to a caller: without a task in between where both ends can do that."""

    __slots__ = (
        "_answer", "_link", "_looked_at", "_meter", "_now", "_pays", "_pipe", "_pipeline", "_response", "_sent",
        "_unpaid", "_x",
    )  # fmt: skip
    _direct = True

    def __init__(self, pipeline: Pipeline, x: Exchange, response: Stream, answer: Answer) -> None:
        assert x.meter is not None
        self._pipeline = pipeline
        self._x = x
        self._meter: StreamMeter = x.meter
        self._response = response
        self._pipe = response.pipe
        self._answer = answer
        self._now = pipeline.clock.monotonic
        self._pays = x.pays_as_it_goes
        self._sent: Sent | None = sent_of(pipeline, x)
        self._looked_at = True
        """Whether somebody wants to see what is written: the first piece's time is noted, and some answers are kept."""
        self._link: Direct
        self._unpaid = b""
        """Taken from the upstream, but not metered before the output so far is paid for."""

    async def run(self) -> Outcome:
        """Pump until the end; the caller got the dialect's ending whenever it is still there to get it.

        A cancellation with `x.stop` set is ours (shutdown, slow reader): the caller is told and the outcome
        returned. Any other means that the caller left; it goes on to the handler.
        """
        began = self._now()
        try:
            return await self._pump()
        except UpstreamFailed as failure:
            self._answer.abort()
            await self._say_error(from_failure(failure))
            return Outcome.TIMED_OUT if failure.timeout else Outcome.UPSTREAM_CUT
        except StreamBroken as broken:
            self._answer.abort()
            await self._say_error(Refusal(reasons.UPSTREAM_ERROR, str(broken)))
            return Outcome.UPSTREAM_CUT
        except ConnectionError:
            # The caller's connection broke while we wrote: the same as its handler being cancelled.
            raise asyncio.CancelledError from None
        except Exception:
            log.exception("fault while relaying a stream", extra={"fields": {"id": self._x.id}})
            self._answer.abort()
            await self._say_error(Refusal(reasons.INTERNAL_ERROR, "the gateway failed while relaying this answer"))
            return Outcome.INTERNAL_ERROR
        finally:
            self._x.waited_s += self._now() - began

    async def _pump(self) -> Outcome:
        pipe, answer = self._pipe, self._answer
        try:
            if self._direct and pipe is not None and pours(answer):
                self._link = Direct(answer, pipe, self._x, self._now)
                outcome = await self._link.run(self._at_once)
            else:
                outcome = await self._by_chunks()
        except asyncio.CancelledError:
            if self._unpaid:
                self._meter.feed(self._unpaid)  # whoever leaves while we top up pays for all of it
            raise
        return await self._conclude() if outcome is None else outcome

    async def _by_chunks(self) -> Outcome | None:
        async for chunk in self._answer.chunks():
            outcome = await self._go_on(*self._metered(chunk))
            if outcome is not None:
                return outcome
        return None

    def _at_once(self, chunk: bytes) -> None:
        """Pass a chunk on, in the callback in which it came. What needs waiting for that is left to our task."""
        meter = self._meter
        try:
            out, unpaid = self._metered(chunk) if self._pays else (meter.feed(chunk), None)
            if unpaid is None and not meter.failed:
                if out:
                    assert self._pipe is not None
                    self._pipe.push(self._outgoing(out) if self._looked_at else out)
                return
        except Exception as fault:  # noqa: BLE001 - it is raised in our task
            self._link.fail(fault)
        else:
            self._link.hold(partial(self._go_on, out, unpaid))

    def _metered(self, chunk: bytes) -> tuple[bytes, bytes | None]:
        """What to write of a chunk; and what is left of it, perhaps nothing, where a top-up must come first.

        A stream that pays as it goes is metered a little at a time: a chunk that holds a thousand tokens must not run
        that far past its money.
        """
        meter, x = self._meter, self._x
        if not self._pays:
            return meter.feed(chunk), None
        out = bytearray()
        for end in range(_PIECE, len(chunk) + _PIECE, _PIECE):
            out += meter.feed(chunk[end - _PIECE : end])
            if meter.failed:
                break
            if not self._pipeline.scales.paid(x):
                self._unpaid = chunk[end:]
                return bytes(out), self._unpaid
        return bytes(out), None

    async def _go_on(self, out: bytes, unpaid: bytes | None) -> Outcome | None:
        """Pass on what was metered, and what comes after it once that is paid for. None: there is more to come."""
        while unpaid is not None:
            paid = await self._pipeline.scales.pay_for(self._x)
            self._unpaid = b""
            if not paid:
                self._answer.abort()
                await self._end_for_budget(out)
                return Outcome.BUDGET_ENDED
            more, unpaid = self._metered(unpaid)
            out += more
        if self._meter.failed:
            return await self._upstream_error(out)
        if out:
            await self._write(out)
        return None

    async def _conclude(self) -> Outcome:
        """The upstream has said all it had to say."""
        meter = self._meter
        rest = meter.flush()
        if meter.failed:
            return await self._upstream_error(rest)
        if not meter.finished:
            raise UpstreamFailed("body", "the stream ended without its ending")  # and `rest` is half an event
        if rest:
            await self._write(rest)
        self._answer.finish()
        return Outcome.COMPLETE

    async def _upstream_error(self, out: bytes) -> Outcome:
        """The upstream's error event is replaced by ours: its words may name what a caller must not learn."""
        self._answer.abort()
        if out:
            await self._write(out)
        assert self._x.forwarded is not None
        await self._say_error(from_event(self._meter.error, self._x.forwarded.hide))
        return Outcome.UPSTREAM_CUT

    async def _end_for_budget(self, out: bytes) -> None:
        if self._sent is not None:
            self._sent.keep(out)
        await say_last(self._response, out + self._meter.end_for_budget())

    async def _write(self, data: bytes) -> None:
        data = self._outgoing(data)
        x = self._x
        x.write_began_at = self._now()
        try:
            await self._response.write(data)
        finally:
            x.write_began_at = 0.0

    def _outgoing(self, data: bytes) -> bytes:
        """What is written instead, with whatever belongs into the stream."""
        if self._sent is not None:
            data = self._sent.through(data)
        if not self._x.first_byte_at:
            self._x.first_byte_at = self._now()
            self._looked_at = self._sent is not None
        return data

    async def _say_error(self, refusal: Refusal) -> None:
        self._x.refusal = refusal
        await say_last(self._response, self._x.family.stream_error(refusal, self._x.request_id))


async def say_last(response: Stream, event: bytes) -> None:
    """Write a closing event within a bounded time; whether it arrived changes nothing any more."""
    try:
        async with asyncio.timeout(_LAST_WORDS_S):
            await response.write(event)
    except (TimeoutError, ConnectionError):
        pass
